#include "listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest.h"
#include "reader.h"

enum { RETRY_MS = 100 };

static void hang_up(struct pending *pending) { watch_close(&pending->guest->loop, &pending->watch); }

static void refuse(struct pending *pending, enum error_code code, const char *message) {
  uint8_t frame[FRAME_SMALL];
  size_t size = frame_error(frame, code, message);
  send(pending->watch.fd, frame, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  /* Unread bytes would turn the close into a reset. */
  for (int i = 0; i < 16 && recv(pending->watch.fd, frame, sizeof frame, MSG_DONTWAIT) > 0; i++) continue;
  hang_up(pending);
}

/* Takes the same time wherever the first wrong byte is. */
static bool secret_matches(const struct listener *listener, struct bytes given) {
  uint8_t difference = given.length == listener->secret_length ? 0 : 1;
  for (size_t i = 0; i < given.length; i++) {
    difference |= (uint8_t)(given.data[i] ^ listener->secret[i % SECRET_LARGEST]);
  }
  return difference == 0;
}

static void hear_hello(struct pending *pending) {
  struct guest *guest = pending->guest;
  struct core_frame frame;
  const char *reason = "";
  enum error_code code = frame_decode(pending->bytes, &frame, &reason);
  if (code == ERROR_NONE && frame.hello.version == 0) {
    code = ERROR_VERSION;
    reason = "there is no version 0";
  }
  if (code == ERROR_NONE && guest->listener.has_secret && !secret_matches(&guest->listener, frame.hello.secret)) {
    code = ERROR_SECRET;
    reason = "wrong secret";
  }
  if (code != ERROR_NONE) {
    refuse(pending, code, reason);
    return;
  }
  uint16_t version = frame.hello.version < PROTOCOL_VERSION ? frame.hello.version : PROTOCOL_VERSION;
  int fd = pending->watch.fd;
  watch_pause(&guest->loop, &pending->watch);
  pending->watch.fd = -1;
  channel_take(guest, fd, version);
}

/* How many bytes the first frame has, as far as it is known. 0: refused. */
static size_t wanted(struct pending *pending) {
  if (pending->length < FRAME_HEADER) return FRAME_HEADER;
  struct reader reader = {pending->bytes, FRAME_HEADER, false};
  uint32_t length = read_u32(&reader);
  enum error_code wrong = frame_check_length(length);
  if (wrong == ERROR_NONE && read_u8(&reader) != FRAME_HELLO) wrong = ERROR_NOT_HELLO;
  if (wrong == ERROR_NONE && length + FRAME_LENGTH_BYTES > FRAME_HELLO_LARGEST) wrong = ERROR_MALFORMED;
  if (wrong == ERROR_NONE) return length + FRAME_LENGTH_BYTES;
  refuse(pending, wrong, wrong == ERROR_NOT_HELLO ? "the first frame must be HELLO" : "malformed HELLO");
  return 0;
}

static void pending_ready(struct watch *watch, uint32_t events) {
  (void)events;
  struct pending *pending = container_of(watch, struct pending, watch);
  for (;;) {
    size_t size = wanted(pending);
    if (size == 0) return;
    if (pending->length == size && size > FRAME_HEADER) {
      hear_hello(pending);
      return;
    }
    /* Not a byte more: what follows belongs to the channel. */
    if (pending->length == size) {
      refuse(pending, ERROR_MALFORMED, "malformed HELLO");
      return;
    }
    ssize_t got = recv(watch->fd, pending->bytes + pending->length, size - pending->length, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      hang_up(pending);
      return;
    }
    pending->length += (size_t)got;
  }
}

/* A peer of the guest's own pid namespace has a number here; one from outside has none. */
static bool is_from_outside(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid == 0;
}

/* A free place, or that of the peer that is silent for longest: silence must not keep a core out. */
static struct pending *make_place(struct listener *listener) {
  struct pending *oldest = &listener->pending[0];
  for (int i = 0; i < PENDING_MOST; i++) {
    struct pending *pending = &listener->pending[i];
    if (pending->watch.fd < 0) return pending;
    if (pending->since < oldest->since) oldest = pending;
  }
  hang_up(oldest);
  return oldest;
}

static void listener_ready(struct watch *watch, uint32_t events) {
  (void)events;
  struct listener *listener = container_of(watch, struct listener, watch);
  struct guest *guest = container_of(listener, struct guest, listener);
  int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) return;
    /* The peer stays in the queue, and the socket readable: without a pause this would spin. */
    watch_pause(&guest->loop, watch);
    listener->retry_at = now_ms() + RETRY_MS;
    return;
  }
  if (!listener->has_secret && !is_from_outside(fd)) {
    close(fd);
    return;
  }
  struct pending *pending = make_place(listener);
  watch_init(&pending->watch, fd, pending_ready);
  pending->since = listener->count++;
  pending->length = 0;
  if (!watch_for(&guest->loop, &pending->watch, EPOLLIN)) hang_up(pending);
}

bool listener_open(struct guest *guest, int fd) {
  struct listener *listener = &guest->listener;
  watch_init(&listener->watch, fd, listener_ready);
  for (int i = 0; i < PENDING_MOST; i++) {
    listener->pending[i].guest = guest;
    watch_init(&listener->pending[i].watch, -1, pending_ready);
  }
  return watch_for(&guest->loop, &listener->watch, EPOLLIN);
}

void listener_retry(struct guest *guest) {
  guest->listener.retry_at = 0;
  watch_for(&guest->loop, &guest->listener.watch, EPOLLIN);
}
