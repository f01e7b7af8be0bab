#include "channel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dispatch.h"
#include "guest.h"
#include "outgoing.h"
#include "reader.h"

enum {
  IN_SIZE = FRAME_LENGTH_BYTES + FRAME_LONGEST_FROM_CORE,
  OUT_SIZE = 256 * 1024,
  READ_SIZE = 128 * 1024,
  ROUNDS_PER_TURN = 16, /* then others get the loop again */
};

/* PROCESS frames for a full table and a frame of output fit beside what may already be queued. */
_Static_assert(OUT_FULL + FRAME_OUTPUT_HEADER + FRAME_DATA_LARGEST + FRAME_SMALL * 8 <= OUT_SIZE, "output buffer");
_Static_assert((PROCESSES_MOST + 4) * 64 <= OUT_SIZE, "the list of processes must fit");

static size_t queued(const struct channel *channel) { return channel->out_end - channel->out_start; }

static void channel_ready(struct watch *watch, uint32_t events);

bool channel_init(struct channel *channel) {
  *channel = (struct channel){.in = pages_map(IN_SIZE), .out = pages_map(OUT_SIZE)};
  watch_init(&channel->watch, -1, channel_ready);
  return channel->in != NULL && channel->out != NULL;
}

bool channel_is_open(const struct channel *channel) { return channel->watch.fd >= 0 && !channel->failing; }

static void lose(struct guest *guest) {
  struct channel *channel = &guest->channel;
  watch_close(&guest->loop, &channel->watch);
  channel->failing = false;
  channel->in_start = channel->in_end = channel->out_start = channel->out_end = 0;
  outgoing_detach(guest);
}

uint8_t *channel_reserve(struct channel *channel) { return channel->out + channel->out_end; }

void channel_commit(struct channel *channel, size_t size) {
  channel->out_end += size;
  if (channel->out_end > channel->out_touched) channel->out_touched = channel->out_end;
}

/* Returns false when the connection is lost. */
static bool flush(struct guest *guest) {
  struct channel *channel = &guest->channel;
  while (queued(channel) > 0) {
    ssize_t sent = send(channel->watch.fd, channel->out + channel->out_start, queued(channel), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) {
      lose(guest);
      return false;
    }
    channel->out_start += (size_t)sent;
  }
  /* Moves the rest to the front, so that there is always room behind it. */
  if (channel->out_start > 0) {
    memmove(channel->out, channel->out + channel->out_start, queued(channel));
    channel->out_end = queued(channel);
    channel->out_start = 0;
  }
  return true;
}

/* Closing with unread bytes would reset the connection, and the peer might not see the ERROR. */
static void drain_socket(int fd) {
  char rest[4096];
  for (int i = 0; i < 256 && recv(fd, rest, sizeof rest, MSG_DONTWAIT) > 0; i++) continue;
}

static void fail(struct guest *guest, enum error_code code, const char *message) {
  struct channel *channel = &guest->channel;
  channel_commit(channel, frame_error(channel_reserve(channel), code, message));
  channel->failing = true;
  channel->in_start = channel->in_end = 0;
  outgoing_detach(guest);
}

static void receive(struct guest *guest) {
  struct channel *channel = &guest->channel;
  if (channel->in_start > 0) {
    memmove(channel->in, channel->in + channel->in_start, channel->in_end - channel->in_start);
    channel->in_end -= channel->in_start;
    channel->in_start = 0;
  }
  size_t room = IN_SIZE - channel->in_end;
  ssize_t got = recv(channel->watch.fd, channel->in + channel->in_end, room < READ_SIZE ? room : READ_SIZE, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) {
    lose(guest);
    return;
  }
  channel->in_end += (size_t)got;
  if (channel->in_end > channel->in_touched) channel->in_touched = channel->in_end;
}

static void channel_ready(struct watch *watch, uint32_t events) {
  struct guest *guest = container_of(container_of(watch, struct channel, watch), struct guest, channel);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) return;
  if (guest->channel.failing) {
    if ((events & (EPOLLHUP | EPOLLERR)) != 0) lose(guest);
    return;
  }
  receive(guest);
}

static bool handle_frame(struct guest *guest, const uint8_t *bytes) {
  struct core_frame frame;
  const char *reason = "";
  enum error_code code = frame_decode(bytes, &frame, &reason);
  if (code == ERROR_NONE) code = dispatch(guest, &frame, &reason);
  if (code == ERROR_NONE) return true;
  char message[160];
  struct reader header = {bytes + FRAME_LENGTH_BYTES, 5, false};
  unsigned type = read_u8(&header);
  snprintf(message, sizeof message, "%s (frame type 0x%02x, process %u)", reason, type, read_u32(&header));
  fail(guest, code, message);
  return false;
}

/* Handles whole frames while their answers have room. Returns whether a whole frame is left. */
static bool handle_frames(struct guest *guest) {
  struct channel *channel = &guest->channel;
  for (;;) {
    struct reader reader = {channel->in + channel->in_start, channel->in_end - channel->in_start, false};
    if (channel->failing || reader.left < FRAME_LENGTH_BYTES) return false;
    uint32_t length = read_u32(&reader);
    enum error_code wrong = frame_check_length(length);
    if (wrong != ERROR_NONE) {
      fail(guest, wrong, wrong == ERROR_TOO_LONG ? "frame longer than 1 MiB" : "frame shorter than its header");
      return false;
    }
    if (reader.left < length) return false;
    if (queued(channel) >= OUT_FULL) return true;
    size_t size = FRAME_LENGTH_BYTES + (size_t)length;
    if (!handle_frame(guest, channel->in + channel->in_start)) return false;
    channel->in_start += size;
  }
}

static void watch_again(struct guest *guest, bool more_to_handle, bool more_to_send) {
  struct channel *channel = &guest->channel;
  uint32_t events = 0;
  if (!channel->failing && !more_to_handle) events |= EPOLLIN;
  if (queued(channel) > 0 || more_to_handle || more_to_send) events |= EPOLLOUT;
  watch_for(&guest->loop, &channel->watch, events);
}

void channel_pump(struct guest *guest) {
  struct channel *channel = &guest->channel;
  bool more_to_handle = false;
  bool more_to_send = true;
  for (int round = 0; round < ROUNDS_PER_TURN && more_to_send; round++) {
    if (channel->watch.fd < 0) return;
    more_to_handle = handle_frames(guest);
    if (!flush(guest)) return;
    if (queued(channel) > 0) break;
    if (channel->failing) {
      drain_socket(channel->watch.fd);
      lose(guest);
      return;
    }
    more_to_send = outgoing_fill(guest) || more_to_handle;
  }
  watch_again(guest, more_to_handle, more_to_send);
}

void channel_take(struct guest *guest, int fd, uint16_t version) {
  struct channel *channel = &guest->channel;
  if (channel->watch.fd >= 0) lose(guest);
  watch_init(&channel->watch, fd, channel_ready);
  outgoing_list_processes(guest, version);
}

void channel_skip(struct channel *channel, const struct process *process) {
  if (channel->cursor == process) channel->cursor = process->next;
}

void channel_trim(struct channel *channel) {
  if (channel->in_start == channel->in_end) {
    channel->in_start = channel->in_end = 0;
    pages_trim(channel->in, &channel->in_touched);
  }
  if (queued(channel) == 0) pages_trim(channel->out, &channel->out_touched);
}
