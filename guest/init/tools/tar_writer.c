#include "tar_writer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pax.h"
#include "tar_number.h"
#include "tool.h"

/* Of a record, beside its key and its value. */
enum { RECORD_EXTRA = 32 };

static void flush(struct tar_writer *writer) {
  if (!writer->failed && !write_all(STDOUT_FILENO, writer->buffer, writer->used)) writer->failed = true;
  writer->used = 0;
}

char *tar_writer_room(struct tar_writer *writer, size_t *room) {
  if (writer->used == sizeof writer->buffer) flush(writer);
  *room = sizeof writer->buffer - writer->used;
  return writer->buffer + writer->used;
}

void tar_writer_wrote(struct tar_writer *writer, size_t length) { writer->used += length; }

static void put(struct tar_writer *writer, const void *data, size_t length) {
  const char *from = data;
  while (length > 0) {
    size_t room = 0;
    char *to = tar_writer_room(writer, &room);
    size_t part = length < room ? length : room;
    memcpy(to, from, part);
    tar_writer_wrote(writer, part);
    from += part;
    length -= part;
  }
}

void tar_writer_fill(struct tar_writer *writer, uint64_t size) {
  static const char zeros[TAR_BLOCK];
  put(writer, zeros, (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

static void add_record(struct tar_writer *writer, const char *key, const void *value, size_t length) {
  if (writer->pax_length + strlen(key) + length + RECORD_EXTRA > sizeof writer->pax) return;
  writer->pax_length += pax_add(writer->pax + writer->pax_length, key, value, length);
}

void tar_writer_attribute(struct tar_writer *writer, const char *name, const void *value, size_t length) {
  char key[TAR_ATTRIBUTE_NAME_MOST + 32];
  /* A name with an equals sign could not be told from its value. */
  if (strlen(name) > TAR_ATTRIBUTE_NAME_MOST || strchr(name, '=') != NULL) return;
  /* The others come last and must have room. */
  if (writer->pax_length + length > sizeof writer->pax - 4 * TAR_NAME_MOST) return;
  snprintf(key, sizeof key, "SCHILY.xattr.%s", name);
  add_record(writer, key, value, length);
}

/* The name in two parts, as ustar has it. Returns false when it does not fit. */
static bool put_name(struct tar_header *header, const char *name) {
  size_t length = strlen(name);
  if (length <= sizeof header->name) {
    memcpy(header->name, name, length);
    return true;
  }
  size_t longest_prefix = length - 1 < TAR_PREFIX_MOST ? length - 1 : TAR_PREFIX_MOST;
  const char *slash = memrchr(name, '/', longest_prefix + 1);
  /* The slash at the end of a directory's name is none between two parts. */
  if (slash == name + length - 1) slash = memrchr(name, '/', length - 1);
  if (slash == NULL || slash == name || slash[1] == 0) return false;
  size_t prefix = (size_t)(slash - name);
  size_t rest = length - prefix - 1;
  if (prefix > TAR_PREFIX_MOST || rest > sizeof header->name) return false;
  memcpy(header->prefix, name, prefix);
  memcpy(header->name, slash + 1, rest);
  return true;
}

static bool put_target(struct tar_header *header, const char *target) {
  size_t length = strlen(target);
  memcpy(header->target, target, length < sizeof header->target ? length : sizeof header->target);
  return length <= sizeof header->target;
}

static void put_header(struct tar_writer *writer, struct tar_header *header) {
  memcpy(header->magic, "ustar", 6);
  memcpy(header->version, "00", 2);
  unsigned sum = tar_checksum(header);
  snprintf(header->checksum, sizeof header->checksum, "%06o", sum & 0777777);
  header->checksum[7] = ' ';
  put(writer, header, sizeof *header);
}

static void put_records(struct tar_writer *writer) {
  if (writer->pax_length == 0) return;
  struct tar_header header = {.type = 'x', .name = "PaxHeaders/entry"};
  tar_format_field(header.mode, sizeof header.mode, 0644);
  tar_format_field(header.uid, sizeof header.uid, 0);
  tar_format_field(header.gid, sizeof header.gid, 0);
  tar_format_field(header.size, sizeof header.size, writer->pax_length);
  tar_format_field(header.mtime, sizeof header.mtime, 0);
  put_header(writer, &header);
  put(writer, writer->pax, writer->pax_length);
  tar_writer_fill(writer, writer->pax_length);
  writer->pax_length = 0;
}

static void add_time(struct tar_writer *writer, const struct timespec *time) {
  char text[48];
  long long seconds = (long long)time->tv_sec;
  long nanoseconds = time->tv_nsec;
  bool negative = seconds < 0;
  if (negative && nanoseconds > 0) {
    seconds++;
    nanoseconds = 1000000000 - nanoseconds;
  }
  int length = snprintf(text, sizeof text, "%s%lld.%09ld", negative ? "-" : "", negative ? -seconds : seconds, nanoseconds);
  add_record(writer, "mtime", text, (size_t)length);
}

void tar_writer_entry(struct tar_writer *writer, const struct tar_entry *entry) {
  struct tar_header header = {.type = entry->type};
  bool whole_second = entry->mtime.tv_nsec == 0 && entry->mtime.tv_sec >= 0;
  if (!put_name(&header, entry->name)) add_record(writer, "path", entry->name, strlen(entry->name));
  if (!put_target(&header, entry->target)) add_record(writer, "linkpath", entry->target, strlen(entry->target));
  if (!whole_second) add_time(writer, &entry->mtime);
  tar_format_field(header.mode, sizeof header.mode, entry->mode);
  tar_format_field(header.uid, sizeof header.uid, entry->uid);
  tar_format_field(header.gid, sizeof header.gid, entry->gid);
  tar_format_field(header.size, sizeof header.size, entry->size);
  tar_format_field(header.mtime, sizeof header.mtime, entry->mtime.tv_sec < 0 ? 0 : (uint64_t)entry->mtime.tv_sec);
  put_records(writer);
  put_header(writer, &header);
}

bool tar_writer_end(struct tar_writer *writer) {
  static const char zeros[2 * TAR_BLOCK];
  put(writer, zeros, sizeof zeros);
  flush(writer);
  return !writer->failed;
}
