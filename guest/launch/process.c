#include "process.h"

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

#include "launch.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

enum { START_TIME_FIELD = 22, STAT_SIZE = 1024 };

long long now_ms(void) {
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

static int kill_behind(int pidfd, const char *name) {
    if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) != 0 && errno != ESRCH) fail("kill process", name);
    return pidfd;
}

static int open_process(int pid, const char *name) {
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0 && errno != ESRCH) fail("open process", name);
    return pidfd;
}

int kill_identity(const char *identity) {
    char name[64];
    snprintf(name, sizeof name, "%s", identity);
    char *colon = strchr(name, ':');
    if (colon == NULL) fail_because("process", identity, "not PID:START");
    *colon = '\0';
    int pid = (int)parse_number("pid", name, 0x7fffffff);
    unsigned long long start = parse_number("start time", colon + 1, ~0ULL);
    int pidfd = open_process(pid, identity);
    if (pidfd < 0) return -1;
    if (start_time(pid) == start) return kill_behind(pidfd, identity);
    close(pidfd);
    return -1;
}

int kill_pid(int pid) {
    char name[16];
    snprintf(name, sizeof name, "%d", pid);
    int pidfd = open_process(pid, name);
    if (pidfd >= 0 && wait_until_gone(pidfd, 0)) {
        close(pidfd);
        return -1;
    }
    return pidfd < 0 ? -1 : kill_behind(pidfd, name);
}

bool wait_until_gone(int pidfd, long long deadline) {
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    for (;;) {
        long long left = deadline - now_ms();
        int ready = poll(&poll_fd, 1, left > 0 ? (int)left : 0);
        if (ready > 0) return true;
        if (ready == 0) return false;
        if (errno != EINTR) fail("wait for", "process");
    }
}
