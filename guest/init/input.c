#include "input.h"

#include <errno.h>
#include <unistd.h>

#include "guest.h"
#include "pty.h"

static void input_ready(struct watch *watch, uint32_t events);

void input_init(struct input *input, struct process *process) {
  *input = (struct input){.process = process};
  watch_init(&input->watch, -1, input_ready);
}

static const struct loop *loop_of(const struct input *input) { return &input->process->guest->loop; }

/* With nothing to write a pipe is watched for its reader going away. A pty is not: its hang-up is seen on output. */
static void watch_idle(struct input *input) {
  if (input->process->tty) {
    watch_pause(loop_of(input), &input->watch);
  } else {
    watch_for(loop_of(input), &input->watch, 0);
  }
}

bool input_open(struct input *input, int fd) {
  watch_init(&input->watch, fd, input_ready);
  if (!ring_open(&input->ring, INPUT_WINDOW)) return false;
  watch_idle(input);
  return true;
}

void input_close(struct input *input) {
  watch_close(loop_of(input), &input->watch);
  ring_close(&input->ring);
}

bool input_is_open(const struct input *input) { return input->watch.fd >= 0 && !input->ended; }

uint64_t input_written(const struct input *input) { return input->received - input->ring.used; }

static void reader_is_gone(struct input *input) {
  input_close(input);
  input->tell_ack = false;
  input->tell_closed = input->process->attached;
}

/* All that came was written, and no more will come. */
static void finish(struct input *input) {
  if (input->process->tty) {
    bool unfinished = input->received > 0 && input->last != '\n' && input->last != '\r';
    if (pty_type_end_of_file(input->watch.fd, unfinished) < 0 && errno == EAGAIN) {
      watch_for(loop_of(input), &input->watch, EPOLLOUT);
      return;
    }
  }
  input_close(input);
}

static void flush(struct input *input) {
  while (input->ring.used > 0) {
    struct iovec pieces[2];
    int count = ring_pieces(&input->ring, 0, INPUT_WINDOW, pieces);
    ssize_t written = writev(input->watch.fd, pieces, count);
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
      watch_for(loop_of(input), &input->watch, EPOLLOUT);
      return;
    }
    if (written < 0) {
      reader_is_gone(input);
      return;
    }
    ring_drop(&input->ring, (size_t)written);
    input->tell_ack = input->process->attached;
  }
  if (input->ended) {
    finish(input);
  } else {
    watch_idle(input);
  }
}

static void input_ready(struct watch *watch, uint32_t events) {
  struct input *input = container_of(watch, struct input, watch);
  if ((events & EPOLLERR) != 0 && !input->process->tty) {
    reader_is_gone(input);
    return;
  }
  flush(input);
}

enum error_code input_data(struct input *input, uint64_t offset, struct bytes data) {
  if (input->process->state == PROCESS_EXITED) return ERROR_NONE;
  if (input->ended) return ERROR_OFFSET;
  if (input->watch.fd < 0) return ERROR_NONE;
  if (offset != input->received) return ERROR_OFFSET;
  if (data.length > INPUT_WINDOW - input->ring.used) return ERROR_WINDOW;
  ring_append(&input->ring, data.data, data.length);
  input->received += data.length;
  input->last = data.data[data.length - 1];
  flush(input);
  return ERROR_NONE;
}

enum error_code input_end(struct input *input, uint64_t offset) {
  if (input->watch.fd < 0 || input->ended) return ERROR_NONE;
  if (offset != input->received) return ERROR_OFFSET;
  input->ended = true;
  flush(input);
  return ERROR_NONE;
}
