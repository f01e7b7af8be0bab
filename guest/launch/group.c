#include "group.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "launch.h"
#include "process.h"

enum {
    /* A half-made instance may fork on while it is being killed. */
    KILL_ROUNDS = 5,
    ROUND_MOST = 512,
    /* A dead process leaves its cgroup a moment after its parent could see it die; no file tells when. */
    REMOVE_TRIES = 200,
    REMOVE_PAUSE_NS = 5000000,
};

static bool is_gone(int error) { return error == ENOENT || error == ENODEV || error == ENOTDIR; }

static void join(char path[PATH_MAX], const char *directory, const char *name) {
    int length = snprintf(path, PATH_MAX, "%s/%s", directory, name);
    if (length >= PATH_MAX) fail_because("path", directory, "too long");
}

/* The deepest first: calls back for every group below this one, and for itself. */
static void each_group(const char *group, void (*visit)(const char *group, void *context), void *context) {
    DIR *directory = opendir(group);
    if (directory == NULL) {
        if (is_gone(errno)) return;
        fail("open cgroup", group);
    }
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char path[PATH_MAX];
        join(path, group, entry->d_name);
        each_group(path, visit, context);
    }
    closedir(directory);
    visit(group, context);
}

/* What one round has killed; what does not fit is for the next one. */
struct round {
    int pidfds[ROUND_MOST];
    int count;
};

static void kill_members(const char *group, void *context) {
    struct round *round = context;
    char path[PATH_MAX];
    join(path, group, "cgroup.procs");
    FILE *members = fopen(path, "re");
    if (members == NULL) {
        if (is_gone(errno)) return;
        fail("open", path);
    }
    for (int pid; round->count < ROUND_MOST && fscanf(members, "%d", &pid) == 1;) {
        int pidfd = pid > 0 ? kill_pid(pid) : -1;
        if (pidfd >= 0) round->pidfds[round->count++] = pidfd;
    }
    fclose(members);
}

static void await(struct round *round, long long deadline) {
    while (round->count > 0) {
        int pidfd = round->pidfds[--round->count];
        if (!wait_until_gone(pidfd, deadline)) {
            fputs("fsb-launch: a process of the instance is still there after SIGKILL\n", stderr);
            exit(EXIT_STILL_ALIVE);
        }
        close(pidfd);
    }
}

void empty_groups(char *const *groups, long long deadline) {
    static struct round round;
    for (int i = 0; i < KILL_ROUNDS; i++) {
        for (char *const *group = groups; *group != NULL; group++) each_group(*group, kill_members, &round);
        if (round.count == 0) return;
        await(&round, deadline);
    }
    fail_because("kill", "instance", "it makes processes faster than they are killed");
}

static void remove_one(const char *group, void *context) {
    (void)context;
    for (int i = 0; rmdir(group) != 0; i++) {
        if (is_gone(errno)) return;
        if (errno != EBUSY || i == REMOVE_TRIES) fail("remove cgroup", group);
        nanosleep(&(struct timespec){.tv_nsec = REMOVE_PAUSE_NS}, NULL);
    }
}

void remove_group(const char *group) { each_group(group, remove_one, NULL); }
