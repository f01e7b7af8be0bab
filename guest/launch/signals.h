/* Signals to the group of the core, which still needs its helpers while it shuts down in order. */
#ifndef FSB_SIGNALS_H
#define FSB_SIGNALS_H

#include <signal.h>

/* Blocks what a terminal, or `timeout`, sends to a whole group to end it; `before` gets what was blocked so far. */
void block_group_signals(sigset_t *before);

#endif
