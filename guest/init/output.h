/* One output stream of a process: read from its pipe or pty, kept until the core acknowledges it. */
#ifndef FSB_OUTPUT_H
#define FSB_OUTPUT_H

#include "loop.h"
#include "ring.h"

struct process;

#define TOTAL_UNKNOWN UINT64_MAX

struct output {
  struct watch watch;
  struct process *process;
  struct ring ring;
  uint8_t stream;  /* 1 stdout, 2 stderr */
  uint64_t base;   /* everything before is acknowledged; the ring begins here */
  uint64_t sent;   /* everything before was sent on this connection */
  uint64_t total;  /* what the process wrote in all, or TOTAL_UNKNOWN */
  uint64_t window; /* how much is kept at most */
  bool dropping;   /* what comes is read and dropped */
};

void output_init(struct output *output, struct process *process, uint8_t stream);

/* Takes a non-blocking descriptor. Returns false when there is no memory or epoll refuses; fd is owned either way. */
bool output_open(struct output *output, int fd, bool discard);
void output_close(struct output *output);
bool output_is_open(const struct output *output);

uint64_t output_produced(const struct output *output);
bool output_total_is_known(const struct output *output);

/* What may be sent now: bytes from `sent` on, inside the window and one frame. */
size_t output_sendable(const struct output *output);

/* Returns false when the offset lies beyond what was sent. */
bool output_ack(struct output *output, uint64_t offset);

/* Whether output_resume() is possible from there. */
bool output_retains(const struct output *output, uint64_t offset);
void output_resume(struct output *output, uint64_t offset);

/* The connection is gone: what is not acknowledged counts as not sent. */
void output_rewind(struct output *output);

/* The process was reaped: what is in the pipe now still counts, what comes later is dropped. */
void output_at_exit(struct output *output);

/* Ends the wait for a pty's hang-up: what was read until now is all. */
void output_give_up_hangup(struct output *output);

/* Nobody will ask for these bytes any more. */
void output_abandon(struct output *output);

#endif
