/* The stdin of a process: what the core sent and the pipe or pty has not taken yet. */
#ifndef FSB_INPUT_H
#define FSB_INPUT_H

#include "frame.h"
#include "loop.h"
#include "ring.h"

struct process;

struct input {
  struct watch watch;
  struct process *process;
  struct ring ring;
  uint64_t received; /* bytes that the core sent in all */
  bool ended;        /* STDIN_EOF came */
  bool tell_ack;
  bool tell_closed;
  uint8_t last; /* the last byte received: on a tty it tells whether a line is unfinished */
};

void input_init(struct input *input, struct process *process);

/* Takes the non-blocking write end. Returns false when there is no memory; fd is owned either way. */
bool input_open(struct input *input, int fd);
void input_close(struct input *input);

/* More input is accepted. */
bool input_is_open(const struct input *input);

/* Everything before this offset reached the pipe or pty. */
uint64_t input_written(const struct input *input);

enum error_code input_data(struct input *input, uint64_t offset, struct bytes data);
enum error_code input_end(struct input *input, uint64_t offset);

#endif
