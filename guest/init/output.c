#include "output.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "guest.h"

/* A pty holds less than this when its last process goes, so that its end is seen although nobody reads. */
enum { PTY_REST_LARGEST = OUTPUT_WINDOW };

static void output_ready(struct watch *watch, uint32_t events);

void output_init(struct output *output, struct process *process, uint8_t stream) {
  *output = (struct output){.process = process, .stream = stream, .window = OUTPUT_WINDOW, .total = TOTAL_UNKNOWN};
  watch_init(&output->watch, -1, output_ready);
}

bool output_open(struct output *output, int fd, bool discard) {
  watch_init(&output->watch, fd, output_ready);
  output->dropping = discard;
  size_t capacity = OUTPUT_WINDOW + (output->process->tty ? PTY_REST_LARGEST : 0);
  if (!discard && !ring_open(&output->ring, capacity)) return false;
  return watch_for(&output->process->guest->loop, &output->watch, EPOLLIN);
}

void output_close(struct output *output) {
  watch_close(&output->process->guest->loop, &output->watch);
  ring_close(&output->ring);
}

bool output_is_open(const struct output *output) { return output->watch.fd >= 0; }

uint64_t output_produced(const struct output *output) { return output->base + output->ring.used; }

bool output_total_is_known(const struct output *output) { return output->total != TOTAL_UNKNOWN; }

static const struct loop *loop_of(const struct output *output) { return &output->process->guest->loop; }

/* How much may be read now; 0 when the window is full or the total is reached. */
static size_t readable(const struct output *output) {
  uint64_t room = output->ring.used >= output->window ? 0 : output->window - output->ring.used;
  uint64_t rest = output->total - output_produced(output);
  return (size_t)(room < rest ? room : rest);
}

static void update_watch(struct output *output) {
  if (!output_is_open(output)) return;
  if (!output->dropping && output_produced(output) == output->total) output->dropping = true;
  if (output->dropping || readable(output) > 0) {
    watch_for(loop_of(output), &output->watch, EPOLLIN);
  } else {
    watch_pause(loop_of(output), &output->watch);
  }
}

/* End of file, or the hang-up of a pty: nothing more can come. */
static void ended(struct output *output) {
  struct process *process = output->process;
  watch_close(loop_of(output), &output->watch);
  if (process->reaped) output->total = output_produced(output);
  if (output->ring.used == 0) ring_close(&output->ring);
  process_exit_if_complete(process);
  process_bury_if_done(process);
}

static bool would_block(void) { return errno == EAGAIN || errno == EINTR; }

static void drop_some(struct output *output) {
  struct guest *guest = output->process->guest;
  ssize_t got = read(output->watch.fd, guest->scratch, SCRATCH_SIZE);
  if (got > 0) guest->scratch_touched = SCRATCH_SIZE;
  if (got > 0 || (got < 0 && would_block())) return;
  ended(output);
}

static void output_ready(struct watch *watch, uint32_t events) {
  (void)events;
  struct output *output = container_of(watch, struct output, watch);
  if (output->dropping) {
    drop_some(output);
    return;
  }
  /* Reading nothing would look like the end of the file. */
  if (readable(output) == 0) {
    update_watch(output);
    return;
  }
  ssize_t got = ring_fill(&output->ring, watch->fd, readable(output));
  if (got > 0 || (got < 0 && would_block())) {
    update_watch(output);
    return;
  }
  ended(output);
}

size_t output_sendable(const struct output *output) {
  uint64_t in_flight = output->sent - output->base;
  if (in_flight >= OUTPUT_WINDOW) return 0;
  uint64_t length = output->ring.used - in_flight;
  uint64_t window = OUTPUT_WINDOW - in_flight;
  if (length > window) length = window;
  return length > FRAME_DATA_LARGEST ? FRAME_DATA_LARGEST : (size_t)length;
}

static void release(struct output *output, uint64_t offset) {
  if (offset <= output->base) return;
  ring_drop(&output->ring, (size_t)(offset - output->base));
  output->base = offset;
  update_watch(output);
  /* After the end the ring is only memory. */
  if (output->ring.used == 0 && !output_is_open(output)) ring_close(&output->ring);
}

bool output_ack(struct output *output, uint64_t offset) {
  if (offset > output->sent) return false;
  release(output, offset);
  return true;
}

bool output_retains(const struct output *output, uint64_t offset) {
  return offset >= output->base && offset <= output_produced(output);
}

void output_resume(struct output *output, uint64_t offset) {
  output->sent = offset;
  release(output, offset);
}

void output_rewind(struct output *output) { output->sent = output->base; }

void output_at_exit(struct output *output) {
  bool dropped = output->dropping;
  if (!output_is_open(output) || dropped) {
    output->total = output_produced(output);
    return;
  }
  if (output->process->tty) {
    output->window = output->ring.capacity;
  } else {
    int waiting = 0;
    ioctl(output->watch.fd, FIONREAD, &waiting);
    output->total = output_produced(output) + (uint64_t)waiting;
  }
  update_watch(output);
}

void output_give_up_hangup(struct output *output) {
  if (output_total_is_known(output)) return;
  ssize_t got = 1;
  while (got > 0 && readable(output) > 0) got = ring_fill(&output->ring, output->watch.fd, readable(output));
  output->total = output_produced(output);
  update_watch(output);
}

void output_abandon(struct output *output) {
  output->dropping = true;
  ring_close(&output->ring);
  update_watch(output);
}
