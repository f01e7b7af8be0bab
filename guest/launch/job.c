#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"
#include "priority.h"

/* A tenth of the weight of others: less would keep a pool cold for as long as anything else is busy. */
enum { LOW_PRIORITY = 10, NORMAL_PRIORITY = 0 };

struct job *job_find(const struct jobs *jobs, uint32_t id) {
    struct job *job = jobs->first;
    while (job != NULL && job->id != id) job = job->next;
    return job;
}

static char **argument_list(const struct request *request) {
    char **args = calloc(request->word_count + 1, sizeof *args);
    if (args == NULL) fail("allocate", "memory");
    const char *word = request->words;
    for (size_t i = 0; i < request->word_count; i++) {
        args[i] = (char *)word;
        word += strlen(word) + 1;
    }
    return args;
}

static void place_stdio(int report) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) fail("open", "/dev/null");
    if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(report, STDERR_FILENO) < 0)
        fail("redirect", "stdio");
}

/* In the new process. The group first, so that a kill that comes at once reaches it. */
static _Noreturn void run(const struct request *request, int report, pid_t parent, const sigset_t *signals) {
    setpgid(0, 0);
    place_stdio(report);
    /* A boot that outlived its core would go on making things that the next core has just cleaned up. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) fail("set parent death signal of", "job");
    if (getppid() != parent) fail_because("parent", "process", "is gone");
    /* Only against others of the same session: no setsid(), which would give each job an equal share of a processor. */
    if ((request->flags & FLAG_LOW_PRIORITY) != 0) setpriority(PRIO_PROCESS, 0, LOW_PRIORITY);
    sigprocmask(SIG_SETMASK, signals, NULL);
    exit(run_mode(argument_list(request)));
}

struct job *job_start(struct jobs *jobs, const struct request *request) {
    if (jobs->count >= JOBS_MOST) {
        errno = EAGAIN;
        return NULL;
    }
    int report[2];
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL) return NULL;
    if (pipe2(report, O_CLOEXEC) != 0) {
        free(job);
        return NULL;
    }
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) run(request, report[1], parent, &jobs->signals);
    int reason = errno;
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        free(job);
        errno = reason;
        return NULL;
    }
    setpgid(pid, pid); /* Both do it: nobody knows who comes first. */
    *job = (struct job){.next = jobs->first, .id = request->id, .pid = pid, .report = report[0]};
    jobs->first = job;
    jobs->count++;
    return job;
}

static void close_report(struct job *job) {
    if (job->report >= 0) close(job->report);
    job->report = -1;
}

void job_kill(struct job *job) {
    kill(-job->pid, SIGKILL);
    job->killed = true;
    if (job->ended) close_report(job);
}

/* The group has what lost its parent; what becomes PID 1 of an instance has left that for a session of its own. */
void job_hurry(const struct job *job) {
    setpriority(PRIO_PGRP, (id_t)job->pid, NORMAL_PRIORITY);
    raise_tree(job->pid);
}

void job_read(struct job *job) {
    char dropped[4096];
    if (job->said == NULL) job->said = malloc(SAID_MOST);
    size_t room = job->said == NULL ? 0 : SAID_MOST - job->said_length;
    ssize_t got = room > 0 ? read(job->report, job->said + job->said_length, room)
                           : read(job->report, dropped, sizeof dropped);
    if (got < 0 && errno == EINTR) return;
    if (got <= 0) close_report(job);
    else if (room > 0) job->said_length += (size_t)got;
}

/* Looks only: as long as it is a zombie, its number is no other process's and no other group's. */
static bool has_ended(const struct job *job) {
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)job->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == job->pid;
}

void jobs_look(struct jobs *jobs) {
    for (struct job *job = jobs->first; job != NULL; job = job->next) {
        if (job->ended || !has_ended(job)) continue;
        job->ended = true;
        if (job->killed) close_report(job);
    }
}

bool job_is_over(const struct job *job) { return job->ended && job->report < 0; }

int job_reap(const struct job *job) {
    int status = 0;
    while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR) continue;
    return status;
}

void job_free(struct jobs *jobs, struct job *job) {
    struct job **link = &jobs->first;
    while (*link != job) link = &(*link)->next;
    *link = job->next;
    jobs->count--;
    free(job->said);
    free(job);
}
