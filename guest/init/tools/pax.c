#include "pax.h"

#include <stdio.h>
#include <string.h>

#include "tar_number.h"

enum { LENGTH_DIGITS = 10 };

static bool parse_record(const char *data, size_t length, size_t *at, char end_of_key, struct pax_record *out) {
  const char *start = data + *at;
  size_t left = length - *at;
  const char *blank = memchr(start, ' ', left);
  int64_t whole = 0;
  if (left == 0 || blank == NULL || blank - start > LENGTH_DIGITS) return false;
  if (!tar_parse_decimal(start, (size_t)(blank - start), &whole) || (uint64_t)whole > left) return false;
  const char *end = start + whole;
  const char *key = blank + 1;
  if (key >= end || end[-1] != '\n') return false;
  const char *equals = memchr(key, end_of_key, (size_t)(end - key));
  if (equals == NULL || equals == key || memchr(key, 0, (size_t)(equals - key)) != NULL) return false;
  *out = (struct pax_record){.key = key, .value = equals + 1, .length = (size_t)(end - 1 - (equals + 1))};
  if (equals + 1 > end - 1) return false;
  *at += (size_t)whole;
  return true;
}

bool pax_next(char *data, size_t length, size_t *at, struct pax_record *out) {
  if (!parse_record(data, length, at, '=', out)) return false;
  data[out->value - 1 - data] = 0;
  return true;
}

bool pax_next_again(const char *data, size_t length, size_t *at, struct pax_record *out) {
  return parse_record(data, length, at, 0, out);
}

static bool take_text(const struct pax_record *record, char *to) {
  if (record->length > TAR_NAME_MOST || memchr(record->value, 0, record->length) != NULL) return false;
  /* An empty value means that the header's own counts. */
  if (record->length == 0) return true;
  memcpy(to, record->value, record->length);
  to[record->length] = 0;
  return true;
}

static bool take_id(const struct pax_record *record, uint32_t *to) {
  int64_t value = 0;
  if (!tar_parse_decimal(record->value, record->length, &value) || value >= UINT32_MAX) return false;
  *to = (uint32_t)value;
  return true;
}

static bool take_size(const struct pax_record *record, uint64_t *to) {
  int64_t value = 0;
  if (!tar_parse_decimal(record->value, record->length, &value)) return false;
  *to = (uint64_t)value;
  return true;
}

static const char *take(const struct pax_record *record, struct tar_entry *entry) {
  const char *key = record->key;
  if (strcmp(key, "path") == 0) return take_text(record, entry->name) ? NULL : "a name of it is damaged or too long";
  if (strcmp(key, "linkpath") == 0) return take_text(record, entry->target) ? NULL : "a link of it is damaged or too long";
  if (strcmp(key, "size") == 0) return take_size(record, &entry->size) ? NULL : "a size of it is no number";
  if (strcmp(key, "uid") == 0) return take_id(record, &entry->uid) ? NULL : "a user of it is no number";
  if (strcmp(key, "gid") == 0) return take_id(record, &entry->gid) ? NULL : "a group of it is no number";
  if (strcmp(key, "mtime") == 0) {
    return tar_parse_time(record->value, record->length, &entry->mtime) ? NULL : "a time of it is no time";
  }
  if (strncmp(key, "GNU.sparse.", strlen("GNU.sparse.")) == 0) return "it has a sparse file";
  return NULL;
}

const char *pax_apply(char *data, size_t length, struct tar_entry *entry) {
  size_t at = 0;
  struct pax_record record;
  while (pax_next(data, length, &at, &record)) {
    const char *problem = take(&record, entry);
    if (problem != NULL) return problem;
  }
  return at == length ? NULL : "it has a damaged extended header";
}

size_t pax_add(char *to, const char *key, const void *value, size_t length) {
  size_t body = 1 + strlen(key) + 1 + length + 1;
  size_t whole = body + 1;
  char digits[24];
  /* The length counts its own digits. */
  while (whole != body + (size_t)snprintf(digits, sizeof digits, "%zu", whole)) {
    whole = body + (size_t)snprintf(digits, sizeof digits, "%zu", whole);
  }
  size_t at = (size_t)sprintf(to, "%zu %s=", whole, key);
  memcpy(to + at, value, length);
  to[at + length] = '\n';
  return whole;
}
