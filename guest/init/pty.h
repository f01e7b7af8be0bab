/* Pseudo terminals of the guest's own /dev/pts. */
#ifndef FSB_PTY_H
#define FSB_PTY_H

#include <stdbool.h>
#include <stdint.h>

struct pty {
  int master; /* non-blocking */
  int slave;
};

/* Returns the directory of the terminals, or -1 where there is none: while it is held, no path is needed any more. */
int terminals_open(void);

/* `terminals`: of terminals_open(). Returns 0, or -1 with errno and nothing open. Rows and columns of 0 leave the default. */
int pty_open(struct pty *pty, int terminals, uint16_t rows, uint16_t columns);

void pty_resize(int master, uint16_t rows, uint16_t columns);

/* Types the end-of-file character if the terminal is in canonical mode; twice after an unfinished line, because the
 * first only ends the line. Returns 0, or -1 with errno (EAGAIN: try again when the terminal takes input). */
int pty_type_end_of_file(int master, bool unfinished);

#endif
