#include "signals.h"

#include <stddef.h>

/* Those after which the command line, too, ends in order (src/cli/command/interruption.ts). */
static const int GROUP_SIGNALS[] = {
    SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGXCPU,
};

void block_group_signals(sigset_t *before) {
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof GROUP_SIGNALS / sizeof *GROUP_SIGNALS; i++) sigaddset(&set, GROUP_SIGNALS[i]);
    sigprocmask(SIG_BLOCK, &set, before);
}
