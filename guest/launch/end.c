/*
 * fsb-launch end: kills processes and waits until each is gone.
 *
 * A pid alone may be reused between the look and the signal. A pidfd holds on to one process, so its start time is
 * checked behind the pidfd. PID 1 of a pid namespace is gone only after everything in that namespace is.
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

enum { START_TIME_FIELD = 22, STAT_SIZE = 1024 };

static long long now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (long long)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Clock ticks since the node booted; 0 when there is no such process. */
static unsigned long long start_time(int pid) {
    char path[32];
    char text[STAT_SIZE];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    if (length <= 0) return 0;
    text[length] = '\0';
    /* The name, field 2, may hold spaces and brackets: only its last bracket ends it. */
    char *cursor = strrchr(text, ')');
    for (int field = 2; cursor != NULL && field < START_TIME_FIELD; field++) cursor = strchr(cursor + 1, ' ');
    return cursor == NULL ? 0 : strtoull(cursor + 1, NULL, 10);
}

/* A pidfd of the process that was killed, or -1 when that very process was gone already. */
static int kill_one(char *identity) {
    char *colon = strchr(identity, ':');
    if (colon == NULL) fail_because("process", identity, "not PID:START");
    *colon = '\0';
    int pid = (int)parse_number("pid", identity, 0x7fffffff);
    unsigned long long start = parse_number("start time", colon + 1, ~0ULL);
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0 && errno == ESRCH) return -1;
    if (pidfd < 0) fail("open process", identity);
    if (start_time(pid) != start) {
        close(pidfd);
        return -1;
    }
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) != 0 && errno != ESRCH) fail("kill process", identity);
    return pidfd;
}

static int wait_until_gone(int pidfd, long long deadline) {
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    for (;;) {
        long long left = deadline - now_ms();
        int ready = poll(&poll_fd, 1, left > 0 ? (int)left : 0);
        if (ready > 0) return 1;
        if (ready == 0) return 0;
        if (errno != EINTR) fail("wait for", "process");
    }
}

int end_main(char **args) {
    int wait_ms = 5000;
    while (*args != NULL && strncmp(*args, "--", 2) == 0) {
        if (strcmp(*args, "--wait") != 0) fail_because("option", *args, "unknown");
        wait_ms = (int)parse_number("option --wait", option_value(&args), 3600000);
        args++;
    }
    int number = 0;
    while (args[number] != NULL) number++;
    int *pidfds = calloc((size_t)number + 1, sizeof *pidfds);
    if (pidfds == NULL) fail("allocate", "memory");

    for (int i = 0; i < number; i++) pidfds[i] = kill_one(args[i]);
    long long deadline = now_ms() + wait_ms;
    for (int i = 0; i < number; i++)
        if (pidfds[i] >= 0 && !wait_until_gone(pidfds[i], deadline)) {
            fprintf(stderr, "fsb-launch: process %s is still there %d ms after SIGKILL\n", args[i], wait_ms);
            return EXIT_STILL_ALIVE;
        }
    free(pidfds);
    return 0;
}
