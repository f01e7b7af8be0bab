#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "execute.h"
#include "process.h"
#include "system.h"
#include "users.h"
#include "workdir.h"

enum { STATUS_FD = 3 };

__attribute__((format(printf, 3, 4))) static _Noreturn void fail(enum spawn_stage stage, int error, const char *format,
                                                                 ...) {
  struct failure failure = {.stage = (int32_t)stage, .error = error};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(failure.message, sizeof failure.message, format, arguments);
  va_end(arguments);
  /* One piece: it is smaller than PIPE_BUF and the pipe is empty. */
  ssize_t written = write(STATUS_FD, &failure, sizeof failure);
  _exit(written == (ssize_t)sizeof failure ? 127 : 126);
}

/* 0, 1, 2 and the status pipe, and nothing of ours besides: while this child reads files that may be slow, it must
 * not hold another process's stdin or the channel open. All sources are above 3 or already where they belong. */
static void place_descriptors(const struct child_files *files) {
  int status = fcntl(files->status, F_DUPFD, STATUS_FD + 1);
  int input = fcntl(files->input, F_DUPFD, STATUS_FD + 1);
  int output = fcntl(files->output, F_DUPFD, STATUS_FD + 1);
  int error = fcntl(files->error, F_DUPFD, STATUS_FD + 1);
  dup3(status, STATUS_FD, O_CLOEXEC);
  if (status < 0 || input < 0 || output < 0 || error < 0) fail(STAGE_RESOURCES, errno, "cannot duplicate descriptors");
  dup2(input, 0);
  dup2(output, 1);
  dup2(error, 2);
  close_descriptors_from(STATUS_FD + 1);
}

/* PID 1 may be protected from the out-of-memory killer; what it starts must not be. */
static void drop_oom_protection(void) {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  /* Refused where the score was raised from outside: then it stays as it is. */
  ssize_t written = write(fd, "0", 1);
  (void)written;
  close(fd);
}

static void apply_limits(const struct spawn_request *request, const struct rlimit *open_files) {
  setrlimit(RLIMIT_NOFILE, open_files);
  for (size_t i = 0; i < request->limit_count; i++) {
    const struct limit_request *limit = &request->limits[i];
    const uint64_t values[2] = {limit->soft, limit->hard};
    if (syscall(SYS_prlimit64, 0, (int)limit->resource, values, NULL) < 0) {
      fail(STAGE_LIMITS, errno, "cannot set limit %d: %s", limit->resource, strerror(errno));
    }
  }
}

static bool groups_are_denied(void) {
  char word[4] = "";
  int fd = open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t got = read(fd, word, sizeof word);
  close(fd);
  return got == (ssize_t)sizeof word && memcmp(word, "deny", sizeof word) == 0;
}

static void become(const struct spawn_request *request, struct identity *identity) {
  for (size_t i = 0; i < request->group_count; i++) {
    if (identity->group_count == GROUPS_MOST) fail(STAGE_USER, EINVAL, "more than %d groups", GROUPS_MOST);
    identity->groups[identity->group_count++] = request->groups[i];
  }
  if (setgroups(identity->group_count, identity->groups) < 0) {
    int error = errno;
    /* Without the privilege the groups of the container stay, if nobody asked for others and nobody else is to get
     * them: a user namespace made without privileges forbids setgroups altogether. */
    bool unchanged = identity->uid == geteuid() && identity->gid == getegid();
    if (error != EPERM || request->group_count > 0 || !(unchanged || groups_are_denied())) {
      fail(STAGE_USER, error, "cannot set the groups of user \"%s\": %s", request->user, strerror(error));
    }
  }
  if (setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
      setresuid(identity->uid, identity->uid, identity->uid) < 0) {
    fail(STAGE_USER, errno, "cannot become user \"%s\": %s", request->user, strerror(errno));
  }
}

static bool has_variable(const struct spawn_request *request, const char *start) {
  for (size_t i = 0; i < request->environment_count; i++) {
    if (strncmp(request->environment[i], start, strlen(start)) == 0) return true;
  }
  return false;
}

/* What only the guest knows: docker gives both to every process. */
static void complete_environment(const struct spawn_request *request, const struct identity *identity) {
  static char home[HOME_LARGEST + sizeof "HOME="];
  static char hostname[HOST_NAME_MAX + sizeof "HOSTNAME="] = "HOSTNAME=";
  size_t count = request->environment_count;
  char *name = hostname + strlen(hostname);
  if (!has_variable(request, "HOSTNAME=") && gethostname(name, HOST_NAME_MAX) == 0 && name[0] != 0) {
    request->environment[count++] = hostname;
  }
  if (has_variable(request, "HOME=")) return;
  snprintf(home, sizeof home, "HOME=%s", identity->home);
  request->environment[count] = home;
}

static void resolve_user(const char *text, struct identity *out) {
  int length = (int)strcspn(text, ":");
  switch (users_resolve(text, out)) {
    case USERS_FOUND:
      return;
    case USERS_NO_USER:
      fail(STAGE_USER, ENOENT, "there is no user \"%.*s\" in /etc/passwd", length, text);
    case USERS_NO_GROUP:
      fail(STAGE_USER, ENOENT, "there is no group \"%s\" in /etc/group", text + length + 1);
  }
}

static void default_signals(void) {
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn void child_run(const struct spawn_request *request, const struct child_files *files,
                         const struct rlimit *open_files, struct stopwatch *stopwatch) {
  stopwatch_passed(stopwatch, STEP_FORK);
  setsid();
  place_descriptors(files);
  if (request->tty && ioctl(0, TIOCSCTTY, 0) < 0) {
    fail(STAGE_RESOURCES, errno, "cannot make the pty the controlling terminal: %s", strerror(errno));
  }
  drop_oom_protection();
  static struct identity identity;
  resolve_user(request->user, &identity);
  if (request->tty && fchown(0, identity.uid, (gid_t)-1) < 0 && identity.uid != geteuid()) {
    fail(STAGE_USER, errno, "cannot give the pty to user \"%s\": %s", request->user, strerror(errno));
  }
  const char *cwd = request->cwd[0] == 0 ? "/" : request->cwd;
  int error = workdir_create(cwd);
  if (error != 0) fail(STAGE_DIRECTORY, error, "cannot make the working directory \"%s\": %s", cwd, strerror(error));
  apply_limits(request, open_files);
  become(request, &identity);
  if (chdir(cwd) < 0) {
    fail(STAGE_DIRECTORY, errno, "cannot enter the working directory \"%s\": %s", cwd, strerror(errno));
  }
  complete_environment(request, &identity);
  default_signals();
  stopwatch_passed(stopwatch, STEP_PREPARE);
  error = execute(request->argv, request->environment);
  fail(STAGE_EXECUTE, error, "%s", execute_problem(request->argv[0], error));
}
