#include "spawn_request.h"

#include <stdlib.h>
#include <string.h>

#include "reader.h"

/* HOME and HOSTNAME, where they are missing. */
enum { SPARE_VARIABLES = 2 };

enum { FLAG_TTY = 1, FLAG_INPUT = 2, FLAG_DISCARD = 4, FLAG_TIMES = 8, FLAGS_KNOWN = 15 };

/* A list's count cannot be larger than the bytes that are left allow; so a small frame never allocates much. */
static bool plausible(struct reader *reader, size_t count, size_t least_size) {
  if (count > reader->left / least_size) reader->failed = true;
  return !reader->failed;
}

/* A str takes 4 bytes and its text in the frame, so the text and a NUL always fit in a copy of the frame's size. */
static char *copy_string(struct reader *reader, char **text) {
  struct bytes bytes = read_string(reader);
  char *copy = *text;
  memcpy(copy, bytes.data, bytes.length);
  copy[bytes.length] = 0;
  *text += bytes.length + 1;
  return copy;
}

static enum decoded decode_groups(struct reader *reader, struct spawn_request *out) {
  size_t count = read_u16(reader);
  if (!plausible(reader, count, 4)) return DECODED_MALFORMED;
  out->groups = calloc(count + 1, sizeof *out->groups);
  if (out->groups == NULL) return DECODED_NO_MEMORY;
  for (size_t i = 0; i < count; i++) out->groups[i] = read_u32(reader);
  out->group_count = count;
  return DECODED;
}

static enum decoded decode_limits(struct reader *reader, struct spawn_request *out) {
  size_t count = read_u16(reader);
  if (!plausible(reader, count, 17)) return DECODED_MALFORMED;
  out->limits = calloc(count + 1, sizeof *out->limits);
  if (out->limits == NULL) return DECODED_NO_MEMORY;
  for (size_t i = 0; i < count; i++) {
    out->limits[i].resource = read_u8(reader);
    out->limits[i].soft = read_u64(reader);
    out->limits[i].hard = read_u64(reader);
  }
  out->limit_count = count;
  return DECODED;
}

static enum decoded decode_strings(struct reader *reader, char **text, size_t spare, char ***list, size_t *length) {
  size_t count = read_u32(reader);
  if (!plausible(reader, count, 4)) return DECODED_MALFORMED;
  *list = calloc(count + 1 + spare, sizeof **list);
  if (*list == NULL) return DECODED_NO_MEMORY;
  for (size_t i = 0; i < count && !reader->failed; i++) (*list)[i] = copy_string(reader, text);
  *length = count;
  return reader->failed ? DECODED_MALFORMED : DECODED;
}

static bool environment_is_well_formed(const struct spawn_request *request) {
  for (char **entry = request->environment; *entry != NULL; entry++) {
    const char *equals = strchr(*entry, '=');
    if (equals == NULL || equals == *entry) return false;
  }
  return true;
}

static enum decoded decode(struct reader *reader, struct spawn_request *out) {
  uint32_t flags = read_u32(reader);
  if ((flags & ~(uint32_t)FLAGS_KNOWN) != 0) return DECODED_MALFORMED;
  out->tty = (flags & FLAG_TTY) != 0;
  out->input = (flags & FLAG_INPUT) != 0;
  out->discard = (flags & FLAG_DISCARD) != 0;
  out->times = (flags & FLAG_TIMES) != 0;
  out->rows = read_u16(reader);
  out->columns = read_u16(reader);
  char *text = out->text;
  out->cwd = copy_string(reader, &text);
  out->user = copy_string(reader, &text);
  if (reader->failed) return DECODED_MALFORMED;
  enum decoded result = decode_groups(reader, out);
  if (result == DECODED) result = decode_limits(reader, out);
  size_t arguments = 0;
  if (result == DECODED) result = decode_strings(reader, &text, 0, &out->argv, &arguments);
  if (result == DECODED) result = decode_strings(reader, &text, SPARE_VARIABLES, &out->environment, &out->environment_count);
  if (result != DECODED) return result;
  return read_whole(reader) && arguments > 0 && environment_is_well_formed(out) ? DECODED : DECODED_MALFORMED;
}

enum decoded spawn_request_decode(struct bytes payload, struct spawn_request *out) {
  /* The two strings in front are copied before it is known that the frame is whole: room for their NULs. */
  *out = (struct spawn_request){.text = malloc(payload.length + 2)};
  if (out->text == NULL) return DECODED_NO_MEMORY;
  struct reader reader = {payload.data, payload.length, false};
  enum decoded result = decode(&reader, out);
  if (result != DECODED) spawn_request_free(out);
  return result;
}

void spawn_request_free(struct spawn_request *request) {
  free(request->text);
  free(request->groups);
  free(request->limits);
  free(request->argv);
  free(request->environment);
  *request = (struct spawn_request){0};
}
