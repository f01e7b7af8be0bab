/* What PID 1 does to itself: descriptors, signals, limits. */
#ifndef FSB_SYSTEM_H
#define FSB_SYSTEM_H

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>

/* Returns a descriptor of /dev/null, or -1 with errno. Only before anything runs inside: later it may be a FIFO. */
int null_open(void);

/* Descriptors 0, 1 and 2 are open afterwards. Returns false when that is not possible. */
bool standard_descriptors_open(void);

/* Closes every descriptor from this one on. */
void close_descriptors_from(int first);

/* Blocks and resets all signals, makes PID 1 undumpable, enters /, raises the limit of open files and puts the one it
 * had, which is the children's, into *open_files. Returns the new limit. */
rlim_t system_prepare(struct rlimit *open_files);

/* The signals that PID 1 reads from its signalfd. The others stay blocked and pending, without effect. */
void signals_handled(sigset_t *set);

#endif
