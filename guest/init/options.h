/* The command line of fsb-init. */
#ifndef FSB_OPTIONS_H
#define FSB_OPTIONS_H

#include <stdbool.h>

struct options {
  const char *listen_path; /* NULL with listen_fd */
  int listen_fd;           /* -1 with listen_path */
  int secret_fd;           /* -1: none */
  char **directories;      /* to make when they are missing; ends with NULL */
};

/* Returns false, having said why on stderr, when the command line is wrong. *out points into argv, which is
 * rearranged. */
bool options_parse(int argc, char **argv, struct options *out);

#endif
