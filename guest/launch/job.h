/* The processes that `fsb-launch serve` has started: each leads a process group and says little. */
#ifndef FSB_JOB_H
#define FSB_JOB_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "request.h"

enum {
    JOBS_MOST = 1024,
    /* Of what a job says, so much is kept; the rest is read and dropped. */
    SAID_MOST = 64 * 1024,
};

struct job {
    struct job *next;
    uint32_t id;
    pid_t pid;
    /* Its standard error, as it comes; -1 when nobody can say anything more. */
    int report;
    bool ended;
    bool killed;
    char *said;
    size_t said_length;
};

struct jobs {
    struct job *first;
    size_t count;
    /* The signals that a job gets back: serve blocks those of a terminal. */
    sigset_t signals;
};

struct job *job_find(const struct jobs *jobs, uint32_t id);

/* Starts it in a process of its own. NULL with errno when there is no room. */
struct job *job_start(struct jobs *jobs, const struct request *request);

/* SIGKILL to its whole group. What left the group and holds on to the report is not waited for. */
void job_kill(struct job *job);

/* Back to the priority that every process has, with all that it has made. */
void job_hurry(const struct job *job);

/* There is something to read from its report, or its end. */
void job_read(struct job *job);

/* Looks which jobs have ended. */
void jobs_look(struct jobs *jobs);

/* It has ended and said everything. */
bool job_is_over(const struct job *job);

/* How a job ended that is over, as waitpid() tells it. Once; job_free() is next. */
int job_reap(const struct job *job);

void job_free(struct jobs *jobs, struct job *job);

#endif
