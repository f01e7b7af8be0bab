#include "tar_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tar_number.h"
#include "tool.h"

#define ATTRIBUTE "SCHILY.xattr."

static enum tar_next broken(struct tar_reader *reader, const char *problem) {
  reader->problem = problem;
  return TAR_BROKEN;
}

/* Returns false at the end. */
static bool refill(struct tar_reader *reader) {
  if (reader->start < reader->end) return true;
  ssize_t got = -1;
  do got = read(reader->fd, reader->buffer, sizeof reader->buffer);
  while (got < 0 && errno == EINTR);
  reader->start = 0;
  reader->end = got > 0 ? (size_t)got : 0;
  return got > 0;
}

/* Hands out up to `most` bytes of what is there, where they are. Returns 0 at the end. */
static size_t take(struct tar_reader *reader, uint64_t most, const char **data) {
  if (most == 0 || !refill(reader)) return 0;
  size_t there = reader->end - reader->start;
  size_t taken = there < most ? there : (size_t)most;
  *data = reader->buffer + reader->start;
  reader->start += taken;
  return taken;
}

static bool copy(struct tar_reader *reader, char *to, size_t length) {
  while (length > 0) {
    const char *data = NULL;
    size_t taken = take(reader, length, &data);
    if (taken == 0) return false;
    memcpy(to, data, taken);
    to += taken;
    length -= taken;
  }
  return true;
}

static bool skip(struct tar_reader *reader, uint64_t length) {
  while (length > 0) {
    const char *data = NULL;
    size_t taken = take(reader, length, &data);
    if (taken == 0) return false;
    length -= taken;
  }
  return true;
}

static uint64_t filling_of(uint64_t size) { return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK; }

static void forget(struct tar_reader *reader) {
  free(reader->pax);
  reader->pax = NULL;
  reader->pax_length = 0;
  reader->has_name = reader->has_target = false;
}

static bool is_zero(const struct tar_header *header) {
  static const struct tar_header zero;
  return memcmp(header, &zero, sizeof zero) == 0;
}

static bool copy_text(char *to, const char *field, size_t length) {
  size_t used = strnlen(field, length);
  memcpy(to, field, used);
  to[used] = 0;
  return used > 0;
}

static void copy_name(const struct tar_header *header, char *to) {
  size_t at = 0;
  if (memcmp(header->magic, "ustar", sizeof header->magic) == 0 && copy_text(to, header->prefix, sizeof header->prefix)) {
    at = strlen(to);
    to[at++] = '/';
  }
  copy_text(to + at, header->name, sizeof header->name);
}

static bool parse_id(const char *field, size_t length, uint32_t *out) {
  int64_t value = 0;
  if (!tar_parse_field(field, length, &value) || value < 0 || value >= UINT32_MAX) return false;
  *out = (uint32_t)value;
  return true;
}

static const char *parse(const struct tar_reader *reader, const struct tar_header *header, struct tar_entry *entry) {
  int64_t mode = 0, size = 0, mtime = 0;
  if (!tar_parse_field(header->mode, sizeof header->mode, &mode)) return "a mode of it is no number";
  if (!tar_parse_field(header->size, sizeof header->size, &size) || size < 0) return "a size of it is no number";
  if (!tar_parse_field(header->mtime, sizeof header->mtime, &mtime)) return "a time of it is no number";
  if (!parse_id(header->uid, sizeof header->uid, &entry->uid)) return "a user of it is no number";
  if (!parse_id(header->gid, sizeof header->gid, &entry->gid)) return "a group of it is no number";
  if (!reader->has_name) copy_name(header, entry->name);
  if (!reader->has_target) copy_text(entry->target, header->target, sizeof header->target);
  entry->type = header->type == 0 || header->type == '7' ? TAR_FILE : header->type;
  entry->mode = (mode_t)mode & 07777;
  entry->size = (uint64_t)size;
  entry->mtime = (struct timespec){.tv_sec = (time_t)mtime};
  return NULL;
}

static enum tar_next extend(struct tar_reader *reader, const struct tar_header *header, struct tar_entry *entry) {
  int64_t size = 0;
  if (!tar_parse_field(header->size, sizeof header->size, &size) || size < 0 || size > TAR_EXTENSION_MOST) {
    return broken(reader, "it has an extended header that is too long");
  }
  char *data = malloc((size_t)size + 1);
  if (data == NULL) return broken(reader, "there is no memory for its extended header");
  data[size] = 0;
  if (!copy(reader, data, (size_t)size) || !skip(reader, filling_of((uint64_t)size))) {
    free(data);
    return broken(reader, "it ends in the middle of an extended header");
  }
  if (header->type == 'x') {
    free(reader->pax);
    reader->pax = data;
    reader->pax_length = (size_t)size;
    return TAR_ENTRY;
  }
  bool long_name = header->type == 'L';
  bool fits = strlen(data) <= TAR_NAME_MOST;
  /* A global header (g) says things about all entries; docker takes no notice of it. */
  if (fits && header->type != 'g') strcpy(long_name ? entry->name : entry->target, data);
  if (long_name) reader->has_name = true;
  else if (header->type == 'K') reader->has_target = true;
  free(data);
  return fits || header->type == 'g' ? TAR_ENTRY : broken(reader, "it has a name that is too long");
}

static enum tar_next begin(struct tar_reader *reader, const struct tar_header *header, struct tar_entry *entry) {
  const char *problem = parse(reader, header, entry);
  if (problem == NULL && reader->pax != NULL) problem = pax_apply(reader->pax, reader->pax_length, entry);
  if (problem != NULL) return broken(reader, problem);
  if (entry->name[0] == 0) return broken(reader, "it has an entry without a name");
  bool file = entry->type == TAR_FILE;
  /* So did tars say it that knew no directories. What follows it is skipped as what it is. */
  if (file && entry->name[strlen(entry->name) - 1] == '/') entry->type = TAR_DIRECTORY;
  if (!file) entry->size = 0;
  reader->left = entry->size;
  reader->filling = filling_of(entry->size);
  return TAR_ENTRY;
}

static bool sums_up(const struct tar_header *header) {
  int64_t said = 0;
  return tar_parse_field(header->checksum, sizeof header->checksum, &said) && said == tar_checksum(header);
}

enum tar_next tar_reader_next(struct tar_reader *reader, struct tar_entry *entry) {
  if (!skip(reader, reader->left) || !skip(reader, reader->filling)) return broken(reader, "it ends in the middle of a file");
  reader->left = reader->filling = 0;
  forget(reader);
  struct tar_header header;
  for (;;) {
    /* Some leave out the two blocks of zeros at the end. */
    bool between = reader->pax == NULL && !reader->has_name && !reader->has_target;
    if (!refill(reader)) return between ? TAR_END : broken(reader, "it ends behind an extended header");
    if (!copy(reader, (char *)&header, sizeof header)) return broken(reader, "it ends in the middle of a header");
    if (is_zero(&header)) return between ? TAR_END : broken(reader, "it ends behind an extended header");
    if (!sums_up(&header)) return broken(reader, "it is no tar, or damaged");
    if (strchr("xgLK", header.type) == NULL || header.type == 0) return begin(reader, &header, entry);
    if (extend(reader, &header, entry) == TAR_BROKEN) return TAR_BROKEN;
  }
}

long tar_reader_content(struct tar_reader *reader, const char **data) {
  if (reader->left == 0) return 0;
  size_t taken = take(reader, reader->left, data);
  reader->left -= taken;
  return taken == 0 ? -1 : (long)taken;
}

bool tar_reader_attribute(const struct tar_reader *reader, size_t *at, struct pax_record *out) {
  while (reader->pax != NULL && pax_next_again(reader->pax, reader->pax_length, at, out)) {
    if (strncmp(out->key, ATTRIBUTE, strlen(ATTRIBUTE)) != 0) continue;
    out->key += strlen(ATTRIBUTE);
    if (out->length <= TAR_ATTRIBUTE_VALUE_MOST && strlen(out->key) <= TAR_ATTRIBUTE_NAME_MOST) return true;
  }
  return false;
}

void tar_reader_drain(struct tar_reader *reader) {
  while (refill(reader)) reader->start = reader->end;
}
