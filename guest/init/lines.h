/* Reads a file of colon-separated lines, such as /etc/passwd, with a fixed buffer. */
#ifndef FSB_LINES_H
#define FSB_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct lines {
  int fd;
  size_t begin;
  size_t end;
  bool skipping; /* inside a line that is longer than the buffer */
  char buffer[8192];
};

/* Returns false when there is no such regular file. */
bool lines_open(struct lines *lines, const char *path);
void lines_close(struct lines *lines);

/* Splits the next line that has at least count - 1 fields; missing last ones are "". A line longer than the buffer is
 * passed over. The fields live until the next call. */
bool lines_next(struct lines *lines, char *fields[], size_t count);

#endif
