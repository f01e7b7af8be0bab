#include "system.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

int null_open(void) { return open("/dev/null", O_RDWR | O_CLOEXEC); }

bool standard_descriptors_open(void) {
  for (;;) {
    int fd = null_open();
    if (fd < 0) return false;
    if (fd > 2) {
      close(fd);
      return true;
    }
  }
}

void close_descriptors_from(int first) {
  if (syscall(SYS_close_range, (unsigned)first, UINT_MAX, 0) == 0) return;
  /* A kernel before 5.9. All that we open ourselves is close-on-exec anyway. */
  for (int fd = first; fd < 4096; fd++) close(fd);
}

void signals_handled(sigset_t *set) {
  static const int handled[] = {SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
  sigemptyset(set);
  for (size_t i = 0; i < sizeof handled / sizeof handled[0]; i++) sigaddset(set, handled[i]);
}

static void silence_signals(void) {
  for (int number = 1; number < _NSIG; number++) signal(number, SIG_DFL);
  signal(SIGPIPE, SIG_IGN);
  sigset_t all;
  sigfillset(&all);
  /* A fault of our own must end us at once, not spin. */
  const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) sigdelset(&all, faults[i]);
  sigprocmask(SIG_SETMASK, &all, NULL);
}

rlim_t system_prepare(struct rlimit *open_files) {
  silence_signals();
  /* Nobody inside may attach to PID 1 or read its memory, where other processes' output waits. */
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  umask(022);
  if (chdir("/") < 0) { /* without a root directory every spawn will tell */
  }
  getrlimit(RLIMIT_NOFILE, open_files);
  struct rlimit raised = {open_files->rlim_max, open_files->rlim_max};
  setrlimit(RLIMIT_NOFILE, &raised);
  getrlimit(RLIMIT_NOFILE, &raised);
  return raised.rlim_cur;
}
