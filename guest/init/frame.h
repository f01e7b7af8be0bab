/* The frames of PROTOCOL.md: decoding what the core sends, encoding what the guest sends. No I/O. */
#ifndef FSB_FRAME_H
#define FSB_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
  PROTOCOL_VERSION = 2,
  FRAME_LENGTH_BYTES = 4,
  FRAME_HEADER = 9, /* length, type, process */
  FRAME_LONGEST_FROM_CORE = 1024 * 1024,
  FRAME_DATA_LARGEST = 65536,
  FRAME_OUTPUT_HEADER = FRAME_HEADER + 8,
  FRAME_MESSAGE_LARGEST = 512,
  FRAME_SMALL = 1024, /* room that every frame without stream data fits in */
  SECRET_LARGEST = 64,
  FRAME_HELLO_LARGEST = FRAME_HEADER + 3 + SECRET_LARGEST,
  OUTPUT_WINDOW = 256 * 1024,
  INPUT_WINDOW = 64 * 1024,
};

enum frame_type {
  FRAME_HELLO = 0x01,
  FRAME_SPAWN,
  FRAME_STDIN,
  FRAME_STDIN_EOF,
  FRAME_ACK,
  FRAME_SIGNAL,
  FRAME_RESIZE,
  FRAME_EXIT_ACK,
  FRAME_PING,
  FRAME_RESUME,
  FRAME_WELCOME = 0x81,
  FRAME_PROCESS,
  FRAME_READY,
  FRAME_SPAWNED,
  FRAME_SPAWN_FAILED,
  FRAME_STDOUT,
  FRAME_STDERR,
  FRAME_STDIN_ACK,
  FRAME_STDIN_CLOSED,
  FRAME_EXIT,
  FRAME_PONG,
  FRAME_ERROR = 0x8F,
};

enum error_code {
  ERROR_NONE,
  ERROR_NOT_HELLO,
  ERROR_VERSION,
  ERROR_SECRET,
  ERROR_MALFORMED,
  ERROR_TOO_LONG,
  ERROR_UNKNOWN_TYPE,
  ERROR_UNKNOWN_PROCESS,
  ERROR_WINDOW,
  ERROR_OFFSET,
};

/* What the guest does until a process runs, in this order: opening its pipes or its pty; the fork, until the child
 * runs; user, directory and limits; the execution, until it is seen here. */
enum spawn_step { STEP_OPEN, STEP_FORK, STEP_PREPARE, STEP_EXECUTE, SPAWN_STEPS };

enum signal_scope { SCOPE_PROCESS, SCOPE_GROUP, SCOPE_ALL };

struct bytes {
  const uint8_t *data;
  size_t length;
};

/* Pointers lead into the decoded buffer. */
struct core_frame {
  enum frame_type type;
  uint32_t process;
  union {
    struct {
      uint16_t version;
      struct bytes secret;
    } hello;
    struct bytes spawn; /* the payload, for spawn_request_decode() */
    struct {
      uint64_t offset;
      struct bytes data;
    } input;
    uint64_t input_end;
    struct {
      uint8_t stream; /* 1 stdout, 2 stderr */
      uint64_t offset;
    } ack;
    struct {
      uint8_t number;
      uint8_t scope;
    } signal;
    struct {
      uint16_t rows;
      uint16_t columns;
    } resize;
    uint64_t ping;
    uint64_t resume[2]; /* stdout, stderr */
  };
};

/* Whether a core may send a frame of this length (the value of the length field). */
enum error_code frame_check_length(uint32_t length);

/* `frame` is one whole frame with its length field. On an error *reason says what is wrong. */
enum error_code frame_decode(const uint8_t *frame, struct core_frame *out, const char **reason);

struct process_report {
  bool exited;
  bool tty;
  bool input_open;
  int32_t pid;
  uint64_t input_received;
  uint64_t first[2];    /* first retained offset of stdout, stderr */
  uint64_t produced[2];
};

struct exit_report {
  bool signalled;
  uint8_t value; /* exit code or signal number */
  bool core_dumped;
  uint64_t total[2];
  uint64_t user_microseconds;
  uint64_t system_microseconds;
  uint64_t peak_kib;
};

/* Each writes one whole frame to `out`, which has room for FRAME_SMALL bytes, and returns its size. Messages longer
 * than FRAME_MESSAGE_LARGEST are cut. */
size_t frame_welcome(uint8_t *out, uint16_t version);
size_t frame_process(uint8_t *out, uint32_t process, const struct process_report *report);
size_t frame_ready(uint8_t *out);
/* `times`: nanoseconds of each step, or NULL. */
size_t frame_spawned(uint8_t *out, uint32_t process, int32_t pid, const uint64_t times[SPAWN_STEPS]);
size_t frame_spawn_failed(uint8_t *out, uint32_t process, uint8_t stage, int32_t error, const char *message);
size_t frame_input_ack(uint8_t *out, uint32_t process, uint64_t offset);
size_t frame_input_closed(uint8_t *out, uint32_t process);
size_t frame_exit(uint8_t *out, uint32_t process, const struct exit_report *report);
size_t frame_pong(uint8_t *out, uint64_t token);
size_t frame_error(uint8_t *out, enum error_code code, const char *message);

/* Only the header of STDOUT (stream 1) or STDERR (2); `length` bytes of data follow. */
size_t frame_output_header(uint8_t *out, uint32_t process, uint8_t stream, uint64_t offset, size_t length);

#endif
