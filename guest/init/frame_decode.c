#include "frame.h"
#include "reader.h"

enum error_code frame_check_length(uint32_t length) {
  if (length < FRAME_HEADER - FRAME_LENGTH_BYTES) return ERROR_MALFORMED;
  return length > FRAME_LONGEST_FROM_CORE ? ERROR_TOO_LONG : ERROR_NONE;
}

static bool decode_hello(struct reader *reader, struct core_frame *out) {
  out->hello.version = read_u16(reader);
  out->hello.secret = read_bytes(reader, read_u8(reader));
  return out->hello.secret.length <= SECRET_LARGEST;
}

static bool decode_spawn(struct reader *reader, struct core_frame *out) {
  out->spawn = read_bytes(reader, reader->left);
  return true;
}

static bool decode_input(struct reader *reader, struct core_frame *out) {
  out->input.offset = read_u64(reader);
  out->input.data = read_bytes(reader, reader->left);
  return out->input.data.length >= 1 && out->input.data.length <= FRAME_DATA_LARGEST;
}

static bool decode_input_end(struct reader *reader, struct core_frame *out) {
  out->input_end = read_u64(reader);
  return true;
}

static bool decode_ack(struct reader *reader, struct core_frame *out) {
  out->ack.stream = read_u8(reader);
  out->ack.offset = read_u64(reader);
  return out->ack.stream == 1 || out->ack.stream == 2;
}

static bool decode_signal(struct reader *reader, struct core_frame *out) {
  out->signal.number = read_u8(reader);
  out->signal.scope = read_u8(reader);
  if (out->signal.number < 1 || out->signal.number > 64 || out->signal.scope > SCOPE_ALL) return false;
  return (out->signal.scope == SCOPE_ALL) == (out->process == 0);
}

static bool decode_resize(struct reader *reader, struct core_frame *out) {
  out->resize.rows = read_u16(reader);
  out->resize.columns = read_u16(reader);
  return true;
}

static bool decode_nothing(struct reader *reader, struct core_frame *out) {
  (void)reader;
  (void)out;
  return true;
}

static bool decode_ping(struct reader *reader, struct core_frame *out) {
  out->ping = read_u64(reader);
  return true;
}

static bool decode_resume(struct reader *reader, struct core_frame *out) {
  out->resume[0] = read_u64(reader);
  out->resume[1] = read_u64(reader);
  return true;
}

enum process_rule { FOR_THE_CHANNEL, FOR_A_PROCESS, FOR_EITHER };

static const struct rule {
  bool (*decode)(struct reader *, struct core_frame *);
  enum process_rule process;
  const char *reason;
} rules[] = {
    [FRAME_HELLO] = {decode_hello, FOR_THE_CHANNEL, "malformed HELLO"},
    [FRAME_SPAWN] = {decode_spawn, FOR_A_PROCESS, "malformed SPAWN"},
    [FRAME_STDIN] = {decode_input, FOR_A_PROCESS, "malformed STDIN"},
    [FRAME_STDIN_EOF] = {decode_input_end, FOR_A_PROCESS, "malformed STDIN_EOF"},
    [FRAME_ACK] = {decode_ack, FOR_A_PROCESS, "malformed ACK"},
    [FRAME_SIGNAL] = {decode_signal, FOR_EITHER, "malformed SIGNAL"},
    [FRAME_RESIZE] = {decode_resize, FOR_A_PROCESS, "malformed RESIZE"},
    [FRAME_EXIT_ACK] = {decode_nothing, FOR_A_PROCESS, "malformed EXIT_ACK"},
    [FRAME_PING] = {decode_ping, FOR_THE_CHANNEL, "malformed PING"},
    [FRAME_RESUME] = {decode_resume, FOR_A_PROCESS, "malformed RESUME"},
};

enum error_code frame_decode(const uint8_t *frame, struct core_frame *out, const char **reason) {
  struct reader reader = {frame, FRAME_HEADER, false};
  uint32_t length = read_u32(&reader);
  enum error_code wrong = frame_check_length(length);
  *reason = wrong == ERROR_TOO_LONG ? "frame longer than 1 MiB" : "frame shorter than its header";
  if (wrong != ERROR_NONE) return wrong;
  uint8_t type = read_u8(&reader);
  uint32_t process = read_u32(&reader);
  *reason = "unknown frame type";
  if (type >= sizeof rules / sizeof rules[0] || rules[type].decode == NULL) return ERROR_UNKNOWN_TYPE;
  const struct rule *rule = &rules[type];
  *reason = rule->reason;
  if (rule->process == FOR_THE_CHANNEL && process != 0) return ERROR_MALFORMED;
  if (rule->process == FOR_A_PROCESS && process == 0) return ERROR_MALFORMED;
  *out = (struct core_frame){.type = (enum frame_type)type, .process = process};
  reader.left = length - (FRAME_HEADER - FRAME_LENGTH_BYTES);
  bool good = rule->decode(&reader, out);
  return good && read_whole(&reader) ? ERROR_NONE : ERROR_MALFORMED;
}
