/* Holds the codec to ../vectors.json (as rows made by vectors-to-c.mjs), and the ring to a plain array. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame.h"
#include "ring.h"
#include "spawn_request.h"

enum { TEXT_LARGEST = 512 * 1024 };

static int passed, failed;
static char text[TEXT_LARGEST];
static size_t text_length;

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  text_length += (size_t)vsnprintf(text + text_length, TEXT_LARGEST - text_length, format, arguments);
  va_end(arguments);
}

static void add_hex(const void *data, size_t length) {
  if (length == 0) add("-");
  for (size_t i = 0; i < length; i++) add("%02x", ((const uint8_t *)data)[i]);
}

static void add_strings(const char *name, char **list) {
  add(" %s=", name);
  if (*list == NULL) add("-");
  for (size_t i = 0; list[i] != NULL; i++) {
    if (i > 0) add(",");
    add_hex(list[i], strlen(list[i]));
  }
}

static void add_spawn(const struct spawn_request *request) {
  add("tty=%d stdin=%d discard=%d times=%d rows=%u columns=%u cwd=", request->tty, request->input, request->discard,
      request->times, request->rows, request->columns);
  add_hex(request->cwd, strlen(request->cwd));
  add(" user=");
  add_hex(request->user, strlen(request->user));
  add(" groups=%s", request->group_count == 0 ? "-" : "");
  for (size_t i = 0; i < request->group_count; i++) add("%s%u", i > 0 ? "," : "", request->groups[i]);
  add(" limits=%s", request->limit_count == 0 ? "-" : "");
  for (size_t i = 0; i < request->limit_count; i++) {
    const struct limit_request *limit = &request->limits[i];
    add("%s%u:%" PRIu64 ":%" PRIu64, i > 0 ? "," : "", limit->resource, limit->soft, limit->hard);
  }
  add_strings("argv", request->argv);
  add_strings("environment", request->environment);
}

/* Writes the decoded fields to `text`. */
static void describe(const struct core_frame *frame, const struct spawn_request *request) {
  text_length = 0;
  text[0] = 0;
  switch ((int)frame->type) {
    case FRAME_HELLO:
      add("version=%u secret=", frame->hello.version);
      add_hex(frame->hello.secret.data, frame->hello.secret.length);
      break;
    case FRAME_SPAWN:
      add_spawn(request);
      break;
    case FRAME_STDIN:
      add("offset=%" PRIu64 " data=", frame->input.offset);
      add_hex(frame->input.data.data, frame->input.data.length);
      break;
    case FRAME_STDIN_EOF:
      add("offset=%" PRIu64, frame->input_end);
      break;
    case FRAME_ACK:
      add("stream=%u offset=%" PRIu64, frame->ack.stream, frame->ack.offset);
      break;
    case FRAME_SIGNAL:
      add("number=%u scope=%u", frame->signal.number, frame->signal.scope);
      break;
    case FRAME_RESIZE:
      add("rows=%u columns=%u", frame->resize.rows, frame->resize.columns);
      break;
    case FRAME_PING:
      add("token=%" PRIu64, frame->ping);
      break;
    case FRAME_RESUME:
      add("stdout=%" PRIu64 " stderr=%" PRIu64, frame->resume[0], frame->resume[1]);
      break;
    default:
      break;
  }
}

static void check(bool good, const char *name) {
  if (good) {
    passed++;
  } else {
    failed++;
    printf("FAILED: %s\n", name);
  }
}

static unsigned nibble(char digit) {
  return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* An exact allocation, so that the address sanitizer sees any read past the end. */
static uint8_t *from_hex(const char *hex, size_t *length) {
  *length = strlen(hex) / 2;
  uint8_t *bytes = malloc(*length > 0 ? *length : 1);
  for (size_t i = 0; i < *length; i++) bytes[i] = (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
  return bytes;
}

/* As the channel does: the length is looked at as soon as it is there, the rest when all of it is. */
static enum error_code decode(const uint8_t *bytes, size_t size, struct core_frame *frame, struct spawn_request *request) {
  uint32_t length = 0;
  for (int i = 3; i >= 0; i--) length = length << 8 | bytes[i];
  enum error_code wrong = frame_check_length(length);
  if (wrong != ERROR_NONE) return wrong;
  if (size != length + (size_t)FRAME_LENGTH_BYTES) abort();
  const char *reason = NULL;
  wrong = frame_decode(bytes, frame, &reason);
  if (wrong != ERROR_NONE || frame->type != FRAME_SPAWN) return wrong;
  return spawn_request_decode(frame->spawn, request) == DECODED ? ERROR_NONE : ERROR_MALFORMED;
}

static void check_decodes(const char *name, const char *hex, enum frame_type type, uint32_t process, const char *fields) {
  size_t size;
  uint8_t *bytes = from_hex(hex, &size);
  struct core_frame frame;
  struct spawn_request request = {0};
  bool good = decode(bytes, size, &frame, &request) == ERROR_NONE && frame.type == type && frame.process == process;
  if (good) {
    describe(&frame, &request);
    good = strcmp(text, fields) == 0 || (strcmp(fields, "") == 0 && text_length == 0);
    if (!good) printf("got  %.200s\nwant %.200s\n", text, fields);
  }
  check(good, name);
  spawn_request_free(&request);
  free(bytes);
}

static void check_refused(const char *name, const char *hex, int code) {
  size_t size;
  uint8_t *bytes = from_hex(hex, &size);
  struct core_frame frame;
  struct spawn_request request = {0};
  check((int)decode(bytes, size, &frame, &request) == code, name);
  spawn_request_free(&request);
  free(bytes);
}

static void check_encodes(const char *name, const char *hex, const uint8_t *out, size_t size) {
  size_t wanted;
  uint8_t *bytes = from_hex(hex, &wanted);
  check(size == wanted && memcmp(out, bytes, size) == 0, name);
  free(bytes);
}

static size_t encode_output(uint8_t *out, uint32_t process, uint8_t stream, uint64_t offset, const char *hex) {
  size_t length;
  uint8_t *data = from_hex(hex, &length);
  size_t header = frame_output_header(out, process, stream, offset, length);
  memcpy(out + header, data, length);
  free(data);
  return header + length;
}

/* Every frame cut short or with one byte changed must be refused or decoded, never read past its end. */
static void disturb(const char *hex) {
  size_t size;
  uint8_t *bytes = from_hex(hex, &size);
  if (size < 10 || size > 4096) {
    free(bytes);
    return;
  }
  for (size_t i = FRAME_LENGTH_BYTES; i < size; i++) {
    for (int bit = 0; bit < 8; bit++) {
      bytes[i] ^= (uint8_t)(1 << bit);
      struct core_frame frame;
      struct spawn_request request = {0};
      if (decode(bytes, size, &frame, &request) == ERROR_NONE) spawn_request_free(&request);
      bytes[i] ^= (uint8_t)(1 << bit);
    }
  }
  for (size_t shorter = size - 1; shorter >= FRAME_HEADER; shorter--) {
    uint8_t *cut = malloc(shorter);
    memcpy(cut, bytes, shorter);
    for (int i = 0; i < 4; i++) cut[i] = (uint8_t)((shorter - FRAME_LENGTH_BYTES) >> (8 * i));
    struct core_frame frame;
    struct spawn_request request = {0};
    if (decode(cut, shorter, &frame, &request) == ERROR_NONE) spawn_request_free(&request);
    free(cut);
  }
  free(bytes);
}

/* The bytes that come out of a ring are those that went in, whatever the sizes and wrap-arounds. */
static void check_ring(void) {
  enum { CAPACITY = 4096 };
  struct ring ring;
  bool good = ring_open(&ring, CAPACITY);
  uint8_t data[CAPACITY];
  unsigned in = 0, out = 0, seed = 1;
  for (int step = 0; good && step < 100000; step++) {
    seed = seed * 1103515245u + 12345u;
    size_t length = (seed >> 8) % (CAPACITY + 1);
    if ((seed >> 24) % 2 == 0) {
      if (length > CAPACITY - ring.used) length = CAPACITY - ring.used;
      for (size_t i = 0; i < length; i++) data[i] = (uint8_t)(in++ % 251);
      ring_append(&ring, data, length);
      continue;
    }
    struct iovec pieces[2];
    int count = ring_pieces(&ring, 0, length, pieces);
    for (int i = 0; i < count; i++) {
      for (size_t j = 0; j < pieces[i].iov_len; j++) good = good && ((uint8_t *)pieces[i].iov_base)[j] == out++ % 251;
    }
    ring_drop(&ring, length < ring.used ? length : ring.used);
    if (step % 100 == 0) ring_trim(&ring);
  }
  check(good && in - out == ring.used, "ring");
  ring_close(&ring);
}

#define DECODES(name, hex, type, process, fields) \
  check_decodes(name, hex, type, process, fields); \
  disturb(hex);
#define ENCODES(name, hex, call) check_encodes(name, hex, out, call);
#define REFUSED(name, hex, code) \
  check_refused(name, hex, code); \
  if (code == ERROR_MALFORMED) disturb(hex);

int main(void) {
  static uint8_t out[FRAME_SMALL + FRAME_DATA_LARGEST];
#pragma GCC diagnostic ignored "-Woverlength-strings"
#include "vectors.h"
  check_ring();
  printf("codec: %d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
