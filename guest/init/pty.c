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

static int open_slave(int master) {
  int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (slave >= 0) return slave;
  /* gVisor has no TIOCGPTPEER. */
  unsigned number = 0;
  /* Not ioctl(): the libcs disagree on whether the request is signed. */
  if (syscall(SYS_ioctl, master, TIOCGPTN, &number) < 0) return -1;
  char path[32];
  snprintf(path, sizeof path, "/dev/pts/%u", number);
  return open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

int pty_open(struct pty *pty, uint16_t rows, uint16_t columns) {
  int unlock = 0;
  pty->slave = -1;
  pty->master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (pty->master < 0) return -1;
  if (ioctl(pty->master, TIOCSPTLCK, &unlock) == 0) pty->slave = open_slave(pty->master);
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
