/*
 * fsb-launch serve: starts other modes of fsb-launch for the core, each in a process of its own.
 *
 * Forking the core itself stops its event loop for milliseconds, because it is large; this process is small. When
 * standard input ends the core is gone, and with it goes everything that was started here.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "job.h"
#include "launch.h"
#include "signals.h"

enum { INPUT, CHILDREN, REPORTS };

struct server {
    struct jobs jobs;
    int children;
    bool core_is_gone;
    char input[4 + REQUEST_LONGEST];
    size_t input_length;
    struct pollfd polls[REPORTS + JOBS_MOST];
};

static void put(struct server *server, const char *data, size_t length) {
    while (length > 0 && !server->core_is_gone) {
        ssize_t written = write(STDOUT_FILENO, data, length);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) server->core_is_gone = true;
        else data += written, length -= (size_t)written;
    }
}

static void tell(struct server *server, uint32_t id, enum ending ending, uint32_t value, const char *said,
                 size_t length) {
    char head[RESULT_HEADER];
    result_encode(head, id, ending, value, length);
    put(server, head, sizeof head);
    put(server, said, length);
}

static void start(struct server *server, const struct request *request) {
    if (job_find(&server->jobs, request->id) != NULL) fail_because("request", "start", "its id is in use");
    if (job_start(&server->jobs, request) != NULL) return;
    char said[256];
    int length = snprintf(said, sizeof said, "fsb-launch: start process: %s\n", strerror(errno));
    tell(server, request->id, ENDED_BY_EXIT, EXIT_FAILED, said, (size_t)length);
}

static void serve_request(struct server *server, const struct request *request) {
    if (request->kind == REQUEST_START) return start(server, request);
    struct job *job = job_find(&server->jobs, request->id);
    if (job == NULL) return;
    if (request->kind == REQUEST_KILL) job_kill(job);
    else job_hurry(job);
}

static void serve_input(struct server *server) {
    size_t at = 0;
    for (;;) {
        struct request request;
        long taken = request_decode(server->input + at, server->input_length - at, &request);
        if (taken < 0) fail_because("request", "of the core", "malformed");
        if (taken == 0) break;
        serve_request(server, &request);
        at += (size_t)taken;
    }
    server->input_length -= at;
    memmove(server->input, server->input + at, server->input_length);
}

/* The longest request fits, and whole ones never stay: there is always room to read into. */
static void read_input(struct server *server) {
    size_t room = sizeof server->input - server->input_length;
    ssize_t got = read(STDIN_FILENO, server->input + server->input_length, room);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) {
        server->core_is_gone = true;
        return;
    }
    server->input_length += (size_t)got;
    serve_input(server);
}

static void tell_end(struct server *server, const struct job *job) {
    int status = job_reap(job);
    bool by_signal = WIFSIGNALED(status);
    uint32_t value = (uint32_t)(by_signal ? WTERMSIG(status) : WEXITSTATUS(status));
    tell(server, job->id, by_signal ? ENDED_BY_SIGNAL : ENDED_BY_EXIT, value, job->said, job->said_length);
}

static void tell_ends(struct server *server) {
    for (struct job *job = server->jobs.first, *next; job != NULL; job = next) {
        next = job->next;
        if (!job_is_over(job)) continue;
        tell_end(server, job);
        job_free(&server->jobs, job);
    }
}

static void look_at_children(struct server *server) {
    struct signalfd_siginfo info;
    /* One message may stand for many children. */
    if (read(server->children, &info, sizeof info) > 0) jobs_look(&server->jobs);
}

static nfds_t fill_polls(struct server *server) {
    server->polls[INPUT] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    server->polls[CHILDREN] = (struct pollfd){.fd = server->children, .events = POLLIN};
    nfds_t count = REPORTS;
    for (struct job *job = server->jobs.first; job != NULL; job = job->next)
        server->polls[count++] = (struct pollfd){.fd = job->report, .events = POLLIN};
    return count;
}

static void turn(struct server *server) {
    nfds_t count = fill_polls(server);
    if (poll(server->polls, count, -1) < 0) {
        if (errno != EINTR) fail("wait for", "requests");
        return;
    }
    nfds_t at = REPORTS;
    for (struct job *job = server->jobs.first; job != NULL; job = job->next)
        if (server->polls[at++].revents != 0) job_read(job);
    if (server->polls[CHILDREN].revents != 0) look_at_children(server);
    if (server->polls[INPUT].revents != 0) read_input(server);
    tell_ends(server);
}

/* A child's end comes by descriptor, and a pipe that nobody reads as an error of write(). */
static void watch_signals(struct server *server) {
    block_group_signals(&server->jobs.signals);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    server->children = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (server->children < 0) fail("watch", "children");
    sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

int serve_main(char **args) {
    if (*args != NULL) fail_because("option", *args, "unknown");
    static struct server server;
    watch_signals(&server);
    while (!server.core_is_gone) turn(&server);
    for (struct job *job = server.jobs.first; job != NULL; job = job->next) job_kill(job);
    return 0;
}
