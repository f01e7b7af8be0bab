#include <string.h>

#include "frame.h"

static uint8_t *put(uint8_t *at, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; i++) *at++ = (uint8_t)(value >> (8 * i));
  return at;
}

static uint8_t *begin(uint8_t *out, enum frame_type type, uint32_t process) {
  uint8_t *at = put(out + FRAME_LENGTH_BYTES, (uint64_t)type, 1);
  return put(at, process, 4);
}

static size_t end(uint8_t *out, const uint8_t *at, size_t data) {
  size_t size = (size_t)(at - out);
  put(out, size + data - FRAME_LENGTH_BYTES, 4);
  return size;
}

/* Cuts at a character's beginning, so that a long file name does not turn the text into invalid UTF-8. */
static uint8_t *put_message(uint8_t *at, const char *message) {
  size_t length = strlen(message);
  if (length > FRAME_MESSAGE_LARGEST) {
    length = FRAME_MESSAGE_LARGEST;
    while (length > 0 && ((uint8_t)message[length] & 0xC0) == 0x80) length--;
  }
  at = put(at, length, 4);
  memcpy(at, message, length);
  return at + length;
}

size_t frame_welcome(uint8_t *out, uint16_t version) {
  uint8_t *at = begin(out, FRAME_WELCOME, 0);
  at = put(at, version, 2);
  at = put(at, OUTPUT_WINDOW, 4);
  at = put(at, INPUT_WINDOW, 4);
  return end(out, at, 0);
}

size_t frame_process(uint8_t *out, uint32_t process, const struct process_report *report) {
  uint8_t *at = begin(out, FRAME_PROCESS, process);
  at = put(at, report->exited ? 1 : 0, 1);
  at = put(at, (report->tty ? 1u : 0u) | (report->input_open ? 2u : 0u), 1);
  at = put(at, (uint32_t)report->pid, 4);
  at = put(at, report->input_received, 8);
  for (int stream = 0; stream < 2; stream++) {
    at = put(at, report->first[stream], 8);
    at = put(at, report->produced[stream], 8);
  }
  return end(out, at, 0);
}

size_t frame_ready(uint8_t *out) { return end(out, begin(out, FRAME_READY, 0), 0); }

size_t frame_spawned(uint8_t *out, uint32_t process, int32_t pid, const uint64_t times[SPAWN_STEPS]) {
  uint8_t *at = put(begin(out, FRAME_SPAWNED, process), (uint32_t)pid, 4);
  for (int step = 0; times != NULL && step < SPAWN_STEPS; step++) at = put(at, times[step], 8);
  return end(out, at, 0);
}

size_t frame_spawn_failed(uint8_t *out, uint32_t process, uint8_t stage, int32_t error, const char *message) {
  uint8_t *at = begin(out, FRAME_SPAWN_FAILED, process);
  at = put(at, stage, 1);
  at = put(at, (uint32_t)error, 4);
  return end(out, put_message(at, message), 0);
}

size_t frame_input_ack(uint8_t *out, uint32_t process, uint64_t offset) {
  return end(out, put(begin(out, FRAME_STDIN_ACK, process), offset, 8), 0);
}

size_t frame_input_closed(uint8_t *out, uint32_t process) {
  return end(out, begin(out, FRAME_STDIN_CLOSED, process), 0);
}

size_t frame_exit(uint8_t *out, uint32_t process, const struct exit_report *report) {
  uint8_t *at = begin(out, FRAME_EXIT, process);
  at = put(at, report->signalled ? 1 : 0, 1);
  at = put(at, report->value, 1);
  at = put(at, report->core_dumped ? 1 : 0, 1);
  at = put(at, report->total[0], 8);
  at = put(at, report->total[1], 8);
  at = put(at, report->user_microseconds, 8);
  at = put(at, report->system_microseconds, 8);
  at = put(at, report->peak_kib, 8);
  return end(out, at, 0);
}

size_t frame_pong(uint8_t *out, uint64_t token) { return end(out, put(begin(out, FRAME_PONG, 0), token, 8), 0); }

size_t frame_error(uint8_t *out, enum error_code code, const char *message) {
  uint8_t *at = put(begin(out, FRAME_ERROR, 0), (uint64_t)code, 2);
  return end(out, put_message(at, message), 0);
}

size_t frame_output_header(uint8_t *out, uint32_t process, uint8_t stream, uint64_t offset, size_t length) {
  uint8_t *at = begin(out, stream == 1 ? FRAME_STDOUT : FRAME_STDERR, process);
  return end(out, put(at, offset, 8), length);
}
