/* The connection to the core: frames in, frames and output out. */
#ifndef FSB_CHANNEL_H
#define FSB_CHANNEL_H

#include "frame.h"
#include "loop.h"

struct guest;
struct process;

struct channel {
  struct watch watch;
  bool failing; /* an ERROR is on its way out; nothing more is read */
  uint8_t *in;
  size_t in_start, in_end, in_touched;
  uint8_t *out;
  size_t out_start, out_end, out_touched;
  struct process *cursor; /* who sends next, so that everybody has a turn */
};

/* Returns false when there is no memory. */
bool channel_init(struct channel *channel);
bool channel_is_open(const struct channel *channel);

/* Makes `fd`, whose HELLO was accepted, the connection; an earlier one is closed. `version`: what is spoken on it. */
void channel_take(struct guest *guest, int fd, uint16_t version);

/* Handles what came and sends what there is, without blocking. Called after every turn of the loop. */
void channel_pump(struct guest *guest);

/* Queues one frame. There is room for a FRAME_SMALL while a received frame is handled. */
uint8_t *channel_reserve(struct channel *channel);
void channel_commit(struct channel *channel, size_t size);

/* The process is about to go. */
void channel_skip(struct channel *channel, const struct process *process);

/* Gives memory of empty buffers back. */
void channel_trim(struct channel *channel);

#endif
