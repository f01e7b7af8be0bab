#include "tar_number.h"

#include <string.h>

#include "tar.h"

unsigned tar_checksum(const struct tar_header *header) {
  const unsigned char *bytes = (const unsigned char *)header;
  const size_t start = offsetof(struct tar_header, checksum);
  unsigned sum = 0;
  for (size_t i = 0; i < sizeof *header; i++) {
    sum += i >= start && i < start + sizeof header->checksum ? ' ' : bytes[i];
  }
  return sum;
}

static bool parse_binary(const unsigned char *field, size_t length, int64_t *out) {
  bool negative = (field[0] & 0x40) != 0;
  uint64_t value = negative ? ~UINT64_C(0) << 6 | (field[0] & 0x3f) : field[0] & 0x3f;
  for (size_t i = 1; i < length; i++) {
    /* What is shifted out must be nothing but the sign. */
    int64_t top = (int64_t)value >> 55;
    if (top != (negative ? -1 : 0)) return false;
    value = value << 8 | field[i];
  }
  *out = (int64_t)value;
  return true;
}

bool tar_parse_field(const char *field, size_t length, int64_t *out) {
  if (((unsigned char)field[0] & 0x80) != 0) return parse_binary((const unsigned char *)field, length, out);
  size_t at = 0;
  while (at < length && (field[at] == ' ' || field[at] == 0)) at++;
  int64_t value = 0;
  for (; at < length && field[at] >= '0' && field[at] <= '7'; at++) value = value * 8 + (field[at] - '0');
  if (at < length && field[at] != ' ' && field[at] != 0) return false;
  *out = value;
  return true;
}

bool tar_parse_decimal(const char *text, size_t length, int64_t *out) {
  if (length == 0) return false;
  int64_t value = 0;
  for (size_t i = 0; i < length; i++) {
    if (text[i] < '0' || text[i] > '9' || value > (INT64_MAX - 9) / 10) return false;
    value = value * 10 + (text[i] - '0');
  }
  *out = value;
  return true;
}

bool tar_parse_time(const char *text, size_t length, struct timespec *out) {
  bool negative = length > 0 && text[0] == '-';
  if (negative) {
    text++;
    length--;
  }
  const char *point = memchr(text, '.', length);
  size_t whole = point == NULL ? length : (size_t)(point - text);
  int64_t seconds = 0;
  long nanoseconds = 0;
  if (!tar_parse_decimal(text, whole, &seconds)) return false;
  for (size_t digit = 0; digit < 9; digit++) {
    size_t at = whole + 1 + digit;
    if (at < length && (text[at] < '0' || text[at] > '9')) return false;
    nanoseconds = nanoseconds * 10 + (at < length ? text[at] - '0' : 0);
  }
  if (negative && nanoseconds > 0) *out = (struct timespec){.tv_sec = -seconds - 1, .tv_nsec = 1000000000 - nanoseconds};
  else *out = (struct timespec){.tv_sec = negative ? -seconds : seconds, .tv_nsec = nanoseconds};
  return true;
}

void tar_format_field(char *field, size_t length, uint64_t value) {
  size_t digits = length - 1;
  if (3 * digits < 64 && value >> (3 * digits) != 0) {
    memset(field, 0, length);
    for (size_t i = 0; i < 8 && i < digits; i++) field[digits - i] = (char)(value >> (8 * i));
    field[0] = (char)0x80;
    return;
  }
  field[digits] = 0;
  for (size_t i = digits; i-- > 0; value >>= 3) field[i] = (char)('0' + (value & 7));
}
