/* How long the steps of a spawn take, for a core that asks. Some are the child's: parent and child share the memory. */
#ifndef FSB_STOPWATCH_H
#define FSB_STOPWATCH_H

#include <stdbool.h>

#include "frame.h"

struct stopwatch {
  uint64_t at[SPAWN_STEPS + 1]; /* the beginning, then the end of each step; 0: not there yet */
};

/* Starts it. NULL when there is no memory: then nobody is told. */
struct stopwatch *stopwatch_start(void);

/* The step has ended. Does nothing, and asks no clock, without a stopwatch. */
void stopwatch_passed(struct stopwatch *stopwatch, enum spawn_step step);

/* Nanoseconds of each step. Returns false when there is no stopwatch, or not every step came to its end. */
bool stopwatch_read(const struct stopwatch *stopwatch, uint64_t times[SPAWN_STEPS]);

/* Lets go of it, if there is one. */
void stopwatch_free(struct stopwatch **stopwatch);

#endif
