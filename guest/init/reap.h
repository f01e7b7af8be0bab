/* Signals of PID 1: children that ended, and requests to end from outside. */
#ifndef FSB_REAP_H
#define FSB_REAP_H

#include <stdint.h>

#include "loop.h"

struct guest;

/* Starts to receive signals, which must be blocked already. Returns false when the kernel refuses. */
bool signals_open(struct guest *guest);

/* Kills all that runs here, and waits until it is gone, half a second at most: whoever asks next must not meet it. */
void end_everything(struct guest *guest);

/* When a pty's wait for its hang-up is over at the latest; 0: none waits. */
uint64_t hangups_next_deadline(const struct guest *guest);
void hangups_expire(struct guest *guest, uint64_t now);

#endif
