#include "lines.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool lines_open(struct lines *lines, const char *path) {
  lines->begin = lines->end = 0;
  lines->skipping = false;
  /* Non-blocking: the guest may have put a FIFO there. */
  lines->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (lines->fd < 0) return false;
  struct stat status;
  if (fstat(lines->fd, &status) == 0 && S_ISREG(status.st_mode)) return true;
  close(lines->fd);
  return false;
}

void lines_close(struct lines *lines) { close(lines->fd); }

/* Moves what is left to the front and reads on. Returns false at the end of the file. */
static bool refill(struct lines *lines) {
  lines->end -= lines->begin;
  memmove(lines->buffer, lines->buffer + lines->begin, lines->end);
  lines->begin = 0;
  if (lines->end == sizeof lines->buffer - 1) {
    lines->end = 0;
    lines->skipping = true;
  }
  ssize_t got = read(lines->fd, lines->buffer + lines->end, sizeof lines->buffer - 1 - lines->end);
  if (got <= 0) return false;
  lines->end += (size_t)got;
  return true;
}

static char *next_line(struct lines *lines) {
  for (;;) {
    char *begin = lines->buffer + lines->begin;
    char *newline = memchr(begin, '\n', lines->end - lines->begin);
    bool last = newline == NULL && !refill(lines);
    if (newline == NULL && !last) continue;
    begin = lines->buffer + lines->begin;
    if (last) {
      if (lines->end == lines->begin) return NULL;
      newline = lines->buffer + lines->end;
      lines->begin = lines->end;
    } else {
      lines->begin = (size_t)(newline - lines->buffer) + 1;
    }
    *newline = 0;
    bool cut = lines->skipping;
    lines->skipping = false;
    if (!cut) return begin;
  }
}

static size_t split(char *line, char *fields[], size_t count) {
  size_t found = 0;
  char *rest = line;
  while (found < count && rest != NULL) fields[found++] = strsep(&rest, ":");
  for (size_t i = found; i < count; i++) fields[i] = line + strlen(line);
  return found;
}

bool lines_next(struct lines *lines, char *fields[], size_t count) {
  for (char *line = next_line(lines); line != NULL; line = next_line(lines)) {
    if (split(line, fields, count) + 1 >= count) return true;
  }
  return false;
}
