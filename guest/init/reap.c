#include "reap.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"
#include "spawn.h"
#include "system.h"

/* A grandchild that ignores SIGHUP keeps a dead terminal open and so hides its hang-up. It cannot write there any
 * more, so that what is not read after this time never comes. */
enum { HANGUP_MS = 100 };

/* What has been killed is gone as soon as it has had a processor; longer only what the kernel itself holds. */
enum { END_MS = 500 };

static uint64_t microseconds(struct timeval time) { return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec; }

static void record_exit(struct process *process, int status, const struct rusage *usage) {
  bool signalled = WIFSIGNALED(status);
  process->exit = (struct exit_report){
      .signalled = signalled,
      .value = (uint8_t)(signalled ? WTERMSIG(status) : WEXITSTATUS(status)),
      .core_dumped = signalled && WCOREDUMP(status),
      .user_microseconds = microseconds(usage->ru_utime),
      .system_microseconds = microseconds(usage->ru_stime),
      .peak_kib = (uint64_t)usage->ru_maxrss,
  };
}

static void ended(struct process *process, int status, const struct rusage *usage) {
  /* Its status pipe has the last word on whether it ever ran, and may not have been read yet. */
  process->reaped = true;
  spawn_settle(process);
  if (process->state != PROCESS_RUNNING) return;
  process->state = PROCESS_EXITED;
  record_exit(process, status, usage);
  input_close(&process->input);
  process->input.tell_ack = process->input.tell_closed = false;
  process_release_terminal(process);
  output_at_exit(&process->output[0]);
  output_at_exit(&process->output[1]);
  if (process->tty && !output_total_is_known(&process->output[0])) process->hangup_deadline = now_ms() + HANGUP_MS;
  process_exit_if_complete(process);
}

/* Returns whether there are children left. */
static bool reap_all(struct guest *guest) {
  int status = 0;
  struct rusage usage;
  pid_t pid;
  while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
    struct process *process = process_find_pid(&guest->table, pid);
    if (process != NULL) ended(process, status, &usage);
  }
  return pid == 0;
}

void end_everything(struct guest *guest) {
  const struct timespec moment = {.tv_nsec = 1000000};
  for (int left = END_MS; left > 0; left--) {
    kill(-1, SIGKILL);
    if (!reap_all(guest)) return;
    nanosleep(&moment, NULL);
  }
}

static void signals_ready(struct watch *watch, uint32_t events) {
  (void)events;
  struct guest *guest = container_of(watch, struct guest, signals);
  struct signalfd_siginfo received[4];
  ssize_t got;
  while ((got = read(watch->fd, received, sizeof received)) > 0) {
    for (size_t i = 0; i < (size_t)got / sizeof received[0]; i++) {
      int number = (int)received[i].ssi_signo;
      /* Meant for what runs here: `kill 1` inside, or a runtime that stops the container. */
      if (number != SIGCHLD) kill(-1, number);
    }
  }
  reap_all(guest);
}

bool signals_open(struct guest *guest) {
  sigset_t set;
  signals_handled(&set);
  watch_init(&guest->signals, signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), signals_ready);
  return watch_for(&guest->loop, &guest->signals, EPOLLIN);
}

uint64_t hangups_next_deadline(const struct guest *guest) {
  uint64_t next = 0;
  for (const struct process *process = guest->table.first; process != NULL; process = process->next) {
    uint64_t deadline = process->hangup_deadline;
    if (deadline != 0 && (next == 0 || deadline < next)) next = deadline;
  }
  return next;
}

void hangups_expire(struct guest *guest, uint64_t now) {
  for (struct process *process = guest->table.first; process != NULL; process = process->next) {
    if (process->hangup_deadline == 0 || process->hangup_deadline > now) continue;
    process->hangup_deadline = 0;
    output_give_up_hangup(&process->output[0]);
    process_exit_if_complete(process);
  }
}
