/* The times of directories, which are put when nothing more comes into them. */
#ifndef FSB_LATE_TIMES_H
#define FSB_LATE_TIMES_H

#include "place.h"

struct late_time;

/* Returns false without memory. */
bool late_times_add(struct late_time **times, const char *path, const struct timespec *mtime);

/* All of them, the last first; none is left. */
void late_times_put(struct late_time **times, struct tree *tree);

#endif
