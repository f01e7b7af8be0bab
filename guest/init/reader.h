/* Reads little-endian values off a buffer. Reading past the end gives zeroes and sets `failed`. */
#ifndef FSB_READER_H
#define FSB_READER_H

#include <stdbool.h>
#include <string.h>

#include "frame.h"

struct reader {
  const uint8_t *at;
  size_t left;
  bool failed;
};

static inline struct bytes read_bytes(struct reader *reader, size_t length) {
  if (length > reader->left) {
    reader->failed = true;
    reader->left = 0;
    return (struct bytes){reader->at, 0};
  }
  struct bytes bytes = {reader->at, length};
  reader->at += length;
  reader->left -= length;
  return bytes;
}

static inline uint64_t read_number(struct reader *reader, size_t size) {
  struct bytes bytes = read_bytes(reader, size);
  uint64_t value = 0;
  for (size_t i = bytes.length; i-- > 0;) value = value << 8 | bytes.data[i];
  return value;
}

static inline uint8_t read_u8(struct reader *reader) { return (uint8_t)read_number(reader, 1); }
static inline uint16_t read_u16(struct reader *reader) { return (uint16_t)read_number(reader, 2); }
static inline uint32_t read_u32(struct reader *reader) { return (uint32_t)read_number(reader, 4); }
static inline uint64_t read_u64(struct reader *reader) { return read_number(reader, 8); }

/* A `str`: length, bytes, no NUL inside. */
static inline struct bytes read_string(struct reader *reader) {
  struct bytes bytes = read_bytes(reader, read_u32(reader));
  if (bytes.length > 0 && memchr(bytes.data, 0, bytes.length) != NULL) reader->failed = true;
  return bytes;
}

/* Everything was there and nothing is left over. */
static inline bool read_whole(const struct reader *reader) { return !reader->failed && reader->left == 0; }

#endif
