/* Accepts peers and hears their HELLO; who passes becomes the channel. */
#ifndef FSB_LISTENER_H
#define FSB_LISTENER_H

#include "frame.h"
#include "loop.h"

struct guest;

enum { PENDING_MOST = 8 };

/* A peer that has not said HELLO yet. */
struct pending {
  struct watch watch;
  struct guest *guest;
  uint64_t since;
  size_t length;
  uint8_t bytes[FRAME_HELLO_LARGEST];
};

struct listener {
  struct watch watch;
  struct pending pending[PENDING_MOST];
  uint64_t count; /* peers so far: orders the pending ones by age */
  uint64_t retry_at; /* when the system had no descriptor to give; else 0 */
  bool has_secret;
  size_t secret_length;
  uint8_t secret[SECRET_LARGEST];
};

/* Takes a listening socket. Returns false when it cannot be watched. */
bool listener_open(struct guest *guest, int fd);

/* Listens again after accept() failed for want of resources. */
void listener_retry(struct guest *guest);

#endif
