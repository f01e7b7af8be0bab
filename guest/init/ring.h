/* A byte queue of fixed capacity in its own mapping: memory is taken when it is touched and can be given back. */
#ifndef FSB_RING_H
#define FSB_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct ring {
  uint8_t *memory;
  size_t capacity;
  size_t start;
  size_t used;
  size_t touched; /* bytes from the beginning of the mapping that may hold memory */
};

/* Anonymous memory that children do not copy and that never becomes a huge page. NULL when there is none. */
uint8_t *pages_map(size_t size);

/* Gives the memory behind all but the first page back; the contents are lost. */
void pages_trim(uint8_t *memory, size_t *touched);

/* Capacity in bytes. Returns false when there is no memory. */
bool ring_open(struct ring *ring, size_t capacity);
void ring_close(struct ring *ring);

/* Reads at most `most` bytes of fd into the free part. Result as read(2). */
ssize_t ring_fill(struct ring *ring, int fd, size_t most);

/* The caller has checked that there is room. */
void ring_append(struct ring *ring, const uint8_t *data, size_t length);

/* The queued bytes from `skip` on, at most `most`, as one or two pieces. Returns how many pieces. */
int ring_pieces(const struct ring *ring, size_t skip, size_t most, struct iovec pieces[2]);

void ring_drop(struct ring *ring, size_t length);

/* Gives memory back when nothing is queued. */
void ring_trim(struct ring *ring);

#endif
