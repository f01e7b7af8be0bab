#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "guest.h"
#include "pty.h"

/* What the child gets and what stays here. -1 where there is none. */
struct ends {
  struct child_files child;
  int input;
  int output[2];
  int status;
};

static bool fail(struct failure *failure, enum spawn_stage stage, int error, const char *message) {
  failure->stage = (int32_t)stage;
  failure->error = error;
  snprintf(failure->message, sizeof failure->message, "%s: %s", message, strerror(error));
  return false;
}

static bool make_pipe(int *read_end, int *write_end) {
  int both[2];
  if (pipe2(both, O_CLOEXEC) < 0) return false;
  *read_end = both[0];
  *write_end = both[1];
  return true;
}

static void close_all(const int *descriptors, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (descriptors[i] >= 0) close(descriptors[i]);
  }
}

/* Only our own end: the program must find its end in blocking mode. */
static void unblock(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

static int duplicate(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 3); }

static bool open_terminal(struct process *process, const struct spawn_request *request, struct ends *ends) {
  struct pty pty;
  if (pty_open(&pty, process->guest->terminals, request->rows, request->columns) < 0) return false;
  process->terminal = pty.slave;
  ends->output[0] = pty.master;
  /* A descriptor of its own for input: each direction is watched for itself. */
  ends->input = duplicate(pty.master);
  ends->child.input = ends->child.output = ends->child.error = pty.slave;
  return ends->input >= 0;
}

static bool open_pipes(const struct guest *guest, const struct spawn_request *request, struct ends *ends) {
  if (request->input) {
    if (!make_pipe(&ends->child.input, &ends->input)) return false;
    unblock(ends->input);
  } else {
    ends->child.input = duplicate(guest->dev_null);
  }
  if (request->discard) {
    ends->child.output = duplicate(guest->dev_null);
    ends->child.error = duplicate(guest->dev_null);
    return ends->child.input >= 0 && ends->child.output >= 0 && ends->child.error >= 0;
  }
  if (!make_pipe(&ends->output[0], &ends->child.output)) return false;
  if (!make_pipe(&ends->output[1], &ends->child.error)) return false;
  unblock(ends->output[0]);
  unblock(ends->output[1]);
  return ends->child.input >= 0;
}

static void close_child_ends(const struct process *process, struct ends *ends) {
  const int files[] = {ends->child.input, ends->child.output, ends->child.error};
  if (!process->tty) close_all(files, 3);
  if (ends->child.status >= 0) close(ends->child.status);
}

static void status_ready(struct watch *watch, uint32_t events) {
  (void)events;
  spawn_settle(container_of(watch, struct process, status));
}

/* Hands our ends to the streams, which own them from now on, whatever the result. */
static bool adopt_ends(struct process *process, struct ends *ends, const struct spawn_request *request) {
  bool good = true;
  watch_init(&process->status, ends->status, status_ready);
  good = watch_for(&process->guest->loop, &process->status, EPOLLIN) && good;
  if (ends->input >= 0) good = input_open(&process->input, ends->input) && good;
  for (int i = 0; i < 2; i++) {
    if (ends->output[i] >= 0) good = output_open(&process->output[i], ends->output[i], request->discard) && good;
  }
  return good;
}

static bool start(struct process *process, const struct spawn_request *request, struct failure *failure) {
  struct ends ends = {{-1, -1, -1, -1}, -1, {-1, -1}, -1};
  bool opened = make_pipe(&ends.status, &ends.child.status);
  if (opened) opened = request->tty ? open_terminal(process, request, &ends) : open_pipes(process->guest, request, &ends);
  int error = errno;
  if (ends.status >= 0) unblock(ends.status);
  bool adopted = adopt_ends(process, &ends, request);
  if (!opened || !adopted) {
    close_child_ends(process, &ends);
    return fail(failure, STAGE_RESOURCES, opened ? ENOMEM : error, request->tty ? "cannot open a pty" : "cannot open pipes");
  }
  stopwatch_passed(process->stopwatch, STEP_OPEN);
  pid_t pid = fork();
  if (pid == 0) child_run(request, &ends.child, &process->guest->open_files, process->stopwatch);
  error = errno;
  close_child_ends(process, &ends);
  if (pid < 0) return fail(failure, STAGE_RESOURCES, error, "cannot fork");
  process->pid = pid;
  return true;
}

bool spawn(struct guest *guest, uint32_t id, const struct spawn_request *request, struct failure *failure) {
  if (process_find(&guest->table, id) != NULL) {
    return fail(failure, STAGE_REQUEST, EEXIST, "the process id is in use");
  }
  struct process *process = process_new(guest, id);
  if (process == NULL) return fail(failure, STAGE_RESOURCES, EAGAIN, "too many processes");
  process->tty = request->tty;
  process->attached = true;
  if (request->times) process->stopwatch = stopwatch_start();
  if (start(process, request, failure)) return true;
  process_bury(process);
  return false;
}

static void execution_failed(struct process *process, const struct failure *failure) {
  process->failure = malloc(sizeof *failure);
  if (process->failure != NULL) *process->failure = *failure;
  /* Without a core there is nobody to tell; a process that is not listed never ran. */
  if (process->failure == NULL || !channel_is_open(&process->guest->channel)) {
    process_bury(process);
    return;
  }
  process->state = PROCESS_FAILED;
}

void spawn_settle(struct process *process) {
  if (process->status.fd < 0) return;
  struct failure failure;
  ssize_t got = read(process->status.fd, &failure, sizeof failure);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  watch_close(&process->guest->loop, &process->status);
  /* The pipe closes without a word when the program was executed. */
  if (got == (ssize_t)sizeof failure) {
    execution_failed(process, &failure);
    return;
  }
  stopwatch_passed(process->stopwatch, STEP_EXECUTE);
  if (process->state == PROCESS_STARTING) process->state = PROCESS_RUNNING;
  process->tell_spawned = process->attached;
}
