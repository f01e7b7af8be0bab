#include "ring.h"

#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096 };

uint8_t *pages_map(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  /* Neighbouring mappings merge, and one touched byte could then cost 2 MiB. */
  madvise(memory, size, MADV_NOHUGEPAGE);
  /* Forking need not copy page tables, and a child never sees another process's data. */
  madvise(memory, size, MADV_DONTFORK);
  return memory;
}

void pages_trim(uint8_t *memory, size_t *touched) {
  if (*touched <= PAGE) return;
  madvise(memory + PAGE, (*touched + PAGE - 1) / PAGE * PAGE - PAGE, MADV_DONTNEED);
  *touched = PAGE;
}

bool ring_open(struct ring *ring, size_t capacity) {
  *ring = (struct ring){.memory = pages_map(capacity), .capacity = capacity};
  return ring->memory != NULL;
}

void ring_close(struct ring *ring) {
  if (ring->memory != NULL) munmap(ring->memory, ring->capacity);
  *ring = (struct ring){0};
}

static int free_pieces(const struct ring *ring, size_t most, struct iovec pieces[2]) {
  size_t room = ring->capacity - ring->used;
  if (most > room) most = room;
  size_t end = (ring->start + ring->used) % (ring->capacity ? ring->capacity : 1);
  size_t first = ring->capacity - end < most ? ring->capacity - end : most;
  pieces[0] = (struct iovec){ring->memory + end, first};
  if (first == most) return 1;
  pieces[1] = (struct iovec){ring->memory, most - first};
  return 2;
}

static void added(struct ring *ring, size_t length) {
  size_t end = ring->start + ring->used + length;
  size_t reach = end > ring->capacity ? ring->capacity : end;
  if (reach > ring->touched) ring->touched = reach;
  ring->used += length;
}

ssize_t ring_fill(struct ring *ring, int fd, size_t most) {
  struct iovec pieces[2];
  int count = free_pieces(ring, most, pieces);
  ssize_t got = readv(fd, pieces, count);
  if (got > 0) added(ring, (size_t)got);
  return got;
}

void ring_append(struct ring *ring, const uint8_t *data, size_t length) {
  struct iovec pieces[2];
  int count = free_pieces(ring, length, pieces);
  memcpy(pieces[0].iov_base, data, pieces[0].iov_len);
  if (count == 2) memcpy(pieces[1].iov_base, data + pieces[0].iov_len, pieces[1].iov_len);
  added(ring, length);
}

int ring_pieces(const struct ring *ring, size_t skip, size_t most, struct iovec pieces[2]) {
  size_t length = ring->used - skip < most ? ring->used - skip : most;
  if (length == 0) return 0;
  size_t from = (ring->start + skip) % ring->capacity;
  size_t first = ring->capacity - from < length ? ring->capacity - from : length;
  pieces[0] = (struct iovec){ring->memory + from, first};
  if (first == length) return 1;
  pieces[1] = (struct iovec){ring->memory, length - first};
  return 2;
}

void ring_drop(struct ring *ring, size_t length) {
  ring->used -= length;
  /* An empty queue begins again in front, where the memory is already there and warm. */
  ring->start = ring->used == 0 ? 0 : (ring->start + length) % ring->capacity;
}

void ring_trim(struct ring *ring) {
  if (ring->used == 0 && ring->memory != NULL) pages_trim(ring->memory, &ring->touched);
}
