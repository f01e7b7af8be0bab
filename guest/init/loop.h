/* The event loop: one epoll instance and the descriptors that it watches. */
#ifndef FSB_LOOP_H
#define FSB_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* One descriptor and who handles it. Embedded in its owner; fd is -1 while there is none. */
struct watch {
  int fd;
  bool registered;
  uint32_t events;
  void (*ready)(struct watch *watch, uint32_t events);
};

struct loop {
  int epoll;
};

/* Returns false when the kernel gives no epoll instance. */
bool loop_open(struct loop *loop);

/* Waits for events (timeout in milliseconds, -1 for ever) and calls each handler once. Returns how many were called. */
int loop_turn(const struct loop *loop, int timeout);

/* Makes a watch for fd (or none, for -1), not yet registered. */
void watch_init(struct watch *watch, int fd, void (*ready)(struct watch *, uint32_t));

/* Asks for these events. With 0 only errors and hang-ups are told. Returns false when the kernel refuses. */
bool watch_for(const struct loop *loop, struct watch *watch, uint32_t events);

/* Asks for nothing at all, not even hang-ups: a level-triggered hang-up that nobody may read yet would spin. */
void watch_pause(const struct loop *loop, struct watch *watch);

/* Stops watching and closes the descriptor. Idempotent. */
void watch_close(const struct loop *loop, struct watch *watch);

/* Milliseconds of the monotonic clock. */
uint64_t now_ms(void);

#endif
