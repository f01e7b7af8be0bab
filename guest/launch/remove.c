/*
 * fsb-launch remove: takes away every trace of one instance, whatever there is of it. What is not there is fine.
 *
 * In this order: its processes, its cgroups, the small directories that only the core and the runtime wrote to, and
 * last its layers, which are moved aside: they tell whose the rest is, and may be a big tree.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "group.h"
#include "launch.h"
#include "process.h"
#include "tree.h"

enum { WAIT_MS = 5000 };

struct removal {
    const char *process;
    const char *thaw;
    const char *from;
    const char *to;
    char **groups;
    char **trees;
};

static struct removal parse(char **args) {
    size_t room = 1;
    while (args[room - 1] != NULL) room++;
    struct removal removal = {.groups = calloc(room, sizeof(char *)), .trees = calloc(room, sizeof(char *))};
    if (removal.groups == NULL || removal.trees == NULL) fail("allocate", "memory");
    char **group = removal.groups;
    char **tree = removal.trees;
    for (char **cursor = args; *cursor != NULL; cursor++) {
        const char *name = *cursor;
        char *value = option_value(&cursor);
        if (strcmp(name, "--process") == 0) removal.process = value;
        else if (strcmp(name, "--thaw") == 0) removal.thaw = value;
        else if (strcmp(name, "--group") == 0) *group++ = value;
        else if (strcmp(name, "--tree") == 0) *tree++ = value;
        else if (strcmp(name, "--aside") == 0) {
            removal.from = value;
            removal.to = option_value(&cursor);
        } else fail_because("option", name, "unknown");
    }
    return removal;
}

/* With cgroups v1 even SIGKILL waits until the group of a paused instance goes on. */
static void thaw(const char *file) {
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENODEV)) return;
    if (fd < 0 || (write(fd, "THAWED", 6) != 6 && errno != ENODEV)) fail("thaw", file);
    close(fd);
}

static void end_processes(const struct removal *removal) {
    long long deadline = now_ms() + WAIT_MS;
    int pidfd = removal->process == NULL ? -1 : kill_identity(removal->process);
    if (removal->thaw != NULL) thaw(removal->thaw);
    if (pidfd >= 0 && !wait_until_gone(pidfd, deadline)) {
        fprintf(stderr, "fsb-launch: process %s is still there %d ms after SIGKILL\n", removal->process, WAIT_MS);
        exit(EXIT_STILL_ALIVE);
    }
    empty_groups(removal->groups, deadline);
}

int remove_main(char **args) {
    struct removal removal = parse(args);
    end_processes(&removal);
    for (char **group = removal.groups; *group != NULL; group++) remove_group(*group);
    for (char **tree = removal.trees; *tree != NULL; tree++) remove_tree(*tree);
    if (removal.from != NULL && rename(removal.from, removal.to) != 0 && errno != ENOENT)
        fail("move aside", removal.from);
    return 0;
}
