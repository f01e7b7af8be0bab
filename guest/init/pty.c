#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

enum { TERMINAL = O_RDWR | O_NOCTTY | O_CLOEXEC };

int terminals_open(void) { return open("/dev/pts", O_PATH | O_DIRECTORY | O_CLOEXEC); }

static int open_master(int terminals) {
  int master = openat(terminals, "ptmx", TERMINAL | O_NONBLOCK);
  /* Closed to all but root on machines whose /dev/ptmx is a device of its own. */
  return master >= 0 ? master : open("/dev/ptmx", TERMINAL | O_NONBLOCK);
}

static int open_slave(int master, int terminals) {
  int slave = ioctl(master, TIOCGPTPEER, TERMINAL);
  if (slave >= 0) return slave;
  /* gVisor has no TIOCGPTPEER. */
  unsigned number = 0;
  /* Not ioctl(): the libcs disagree on whether the request is signed. */
  if (syscall(SYS_ioctl, master, TIOCGPTN, &number) < 0) return -1;
  char name[16];
  snprintf(name, sizeof name, "%u", number);
  return openat(terminals, name, TERMINAL);
}

int pty_open(struct pty *pty, int terminals, uint16_t rows, uint16_t columns) {
  int unlock = 0;
  pty->slave = -1;
  pty->master = open_master(terminals);
  if (pty->master < 0) return -1;
  if (ioctl(pty->master, TIOCSPTLCK, &unlock) == 0) pty->slave = open_slave(pty->master, terminals);
  if (pty->slave < 0) {
    int error = errno;
    close(pty->master);
    errno = error;
    return -1;
  }
  if (rows != 0 && columns != 0) pty_resize(pty->master, rows, columns);
  return 0;
}

void pty_resize(int master, uint16_t rows, uint16_t columns) {
  struct winsize size = {.ws_row = rows, .ws_col = columns};
  ioctl(master, TIOCSWINSZ, &size);
}

int pty_type_end_of_file(int master, bool unfinished) {
  struct termios mode;
  if (tcgetattr(master, &mode) < 0 || (mode.c_lflag & ICANON) == 0) return 0;
  char characters[2] = {(char)mode.c_cc[VEOF], (char)mode.c_cc[VEOF]};
  return write(master, characters, unfinished ? 2 : 1) < 0 ? -1 : 0;
}
