#include "priority.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
    USUAL_PRIORITY = 0,
    /* A process that makes another while it is looked at may have given it the old priority. */
    ROUNDS = 5,
    DEPTH_MOST = 16,
    PATH_SIZE = 64,
};

static bool raise_process(pid_t pid, int depth);

/* True when its priority was lower. */
static bool raise_thread(pid_t thread) {
    errno = 0;
    int priority = getpriority(PRIO_PROCESS, (id_t)thread);
    if (errno != 0 || priority <= USUAL_PRIORITY) return false;
    return setpriority(PRIO_PROCESS, (id_t)thread, USUAL_PRIORITY) == 0;
}

static bool raise_children(pid_t pid, pid_t thread, int depth) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, thread);
    FILE *children = fopen(path, "re");
    if (children == NULL) return false;
    bool raised = false;
    for (int child; fscanf(children, "%d", &child) == 1;) raised |= raise_process(child, depth + 1);
    fclose(children);
    return raised;
}

/* True when something had a lower priority. Parents before children: what they make from then on has the usual one. */
static bool raise_process(pid_t pid, int depth) {
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *threads = depth > DEPTH_MOST ? NULL : opendir(path);
    if (threads == NULL) return false;
    bool raised = false;
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;) {
        pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);
        if (thread <= 0) continue;
        raised |= raise_thread(thread);
        raised |= raise_children(pid, thread, depth);
    }
    closedir(threads);
    return raised;
}

void raise_tree(pid_t root) {
    for (int i = 0; i < ROUNDS && raise_process(root, 0); i++) continue;
}
