#include "stopwatch.h"

#include <sys/mman.h>
#include <time.h>

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

struct stopwatch *stopwatch_start(void) {
  void *memory = mmap(NULL, sizeof(struct stopwatch), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  struct stopwatch *stopwatch = memory;
  stopwatch->at[0] = now_ns();
  return stopwatch;
}

void stopwatch_passed(struct stopwatch *stopwatch, enum spawn_step step) {
  if (stopwatch != NULL) stopwatch->at[step + 1] = now_ns();
}

bool stopwatch_read(const struct stopwatch *stopwatch, uint64_t times[SPAWN_STEPS]) {
  if (stopwatch == NULL) return false;
  for (int step = 0; step < SPAWN_STEPS; step++) {
    /* A step that never ended has no time, and neither has the one behind it. */
    if (stopwatch->at[step + 1] < stopwatch->at[step]) return false;
    times[step] = stopwatch->at[step + 1] - stopwatch->at[step];
  }
  return true;
}

void stopwatch_free(struct stopwatch **stopwatch) {
  if (*stopwatch != NULL) munmap(*stopwatch, sizeof **stopwatch);
  *stopwatch = NULL;
}
