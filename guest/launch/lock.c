/*
 * fsb-launch lock: takes an exclusive lock on FILE, says "locked" and holds it until standard input ends. The core
 * holds the other end of that pipe, so the lock goes when the core goes, also by SIGKILL.
 */
#include "launch.h"
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

/* Interrupts flock(); that is all it is for. */
static void on_alarm(int signal) { (void)signal; }

/* The timer repeats, so that one that fires just before flock() is entered cannot be missed. */
static void start_timer(unsigned long long ms) {
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)},
        .it_interval = {.tv_usec = 10000},
    };
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void stop_timer(void) {
    struct itimerval none = {.it_value = {0}};
    setitimer(ITIMER_REAL, &none, NULL);
}

/* A descriptor that holds the lock, or -1 when another process has it. */
static int take(const char *path, int wait) {
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) fail("open lock file", path);
        if (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) != 0) {
            if (errno != EWOULDBLOCK && errno != EINTR) fail("lock", path);
            close(fd);
            return -1;
        }
        /* Whoever replaced the file while we waited made a second lock; only the one under the name counts. */
        struct stat held;
        struct stat named;
        if (fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
            held.st_dev == named.st_dev)
            return fd;
        close(fd);
    }
}

static void wait_for_end_of_input(void) {
    char sink[256];
    for (;;) {
        ssize_t length = read(STDIN_FILENO, sink, sizeof sink);
        if (length == 0 || (length < 0 && errno != EINTR)) return;
    }
}

int lock_main(char **args) {
    const char *path = NULL;
    unsigned long long wait_ms = 0;
    for (; *args != NULL; args++) {
        if (strcmp(*args, "--wait") == 0) wait_ms = parse_number("option --wait", option_value(&args), 3600000);
        else if (path == NULL && strncmp(*args, "--", 2) != 0) path = *args;
        else fail_because("option", *args, "unknown");
    }
    if (path == NULL) fail_because("option", "FILE", "missing");

    if (wait_ms > 0) start_timer(wait_ms);
    if (take(path, wait_ms > 0) < 0) {
        fprintf(stderr, "fsb-launch: lock %s: another process holds it\n", path);
        return EXIT_LOCKED;
    }
    stop_timer();
    sigset_t before;
    block_group_signals(&before);
    if (write(STDOUT_FILENO, "locked\n", 7) != 7) fail("report", path);
    wait_for_end_of_input();
    return 0;
}
