#include "loop.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

enum { EVENTS_PER_TURN = 64 };

bool loop_open(struct loop *loop) {
  loop->epoll = epoll_create1(EPOLL_CLOEXEC);
  return loop->epoll >= 0;
}

int loop_turn(const struct loop *loop, int timeout) {
  struct epoll_event events[EVENTS_PER_TURN];
  int count = epoll_wait(loop->epoll, events, EVENTS_PER_TURN, timeout);
  for (int i = 0; i < count; i++) {
    struct watch *watch = events[i].data.ptr;
    /* An earlier handler of this turn may have closed or paused it. Its memory is still there: owners are freed
     * only between turns. */
    if (watch->registered) watch->ready(watch, events[i].events);
  }
  return count > 0 ? count : 0;
}

void watch_init(struct watch *watch, int fd, void (*ready)(struct watch *, uint32_t)) {
  *watch = (struct watch){.fd = fd, .ready = ready};
}

bool watch_for(const struct loop *loop, struct watch *watch, uint32_t events) {
  if (watch->fd < 0) return false;
  if (watch->registered && watch->events == events) return true;
  struct epoll_event event = {.events = events, .data.ptr = watch};
  int operation = watch->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (epoll_ctl(loop->epoll, operation, watch->fd, &event) < 0) return false;
  watch->registered = true;
  watch->events = events;
  return true;
}

void watch_pause(const struct loop *loop, struct watch *watch) {
  if (!watch->registered) return;
  epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
  watch->registered = false;
}

void watch_close(const struct loop *loop, struct watch *watch) {
  if (watch->fd < 0) return;
  /* A child between fork and exec still holds the open file, so close() alone would leave it registered. */
  watch_pause(loop, watch);
  close(watch->fd);
  watch->fd = -1;
}

uint64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}
