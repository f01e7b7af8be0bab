/*
 * Killing processes for good. A pid alone may be reused between the look and the signal; a pidfd holds on to one
 * process, so what is known of it is checked behind the pidfd. PID 1 of a pid namespace is gone only after everything
 * in that namespace is.
 */
#ifndef FSB_PROCESS_H
#define FSB_PROCESS_H

#include <stdbool.h>

/* Milliseconds of a clock that never jumps. */
long long now_ms(void);

/* SIGKILL to the process PID:START, START in clock ticks since the node booted. A pidfd of it, or -1 when that very
 * process is gone. */
int kill_identity(const char *identity);

/* The same for a process that has this number now; -1 also when only its exit status is left. */
int kill_pid(int pid);

/* False when it is still there at the deadline. */
bool wait_until_gone(int pidfd, long long deadline);

#endif
