#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct tool {
  const char *name;
  const char *arguments;
  int (*run)(int argc, char **argv);
};

static const struct tool tools[] = {
    {"connect", "[ADDRESS] PORT", tool_connect},
    {"processes", "", tool_processes},
    {"stat", "[-L] [--] PATH", tool_stat},
    {"tar-in", "[--same-owner] [--] DIRECTORY", tool_tar_in},
    {"tar-out", "[-L] [--] PATH", tool_tar_out},
};

enum { TOOLS = sizeof tools / sizeof tools[0] };

int tool_run(int argc, char **argv) {
  for (size_t i = 0; i < TOOLS; i++) {
    if (strcmp(tools[i].name, argv[0]) != 0) continue;
    int end = tools[i].run(argc, argv);
    if (end == TOOL_MISUSED) fprintf(stderr, "usage: fsb-init %s %s\n", tools[i].name, tools[i].arguments);
    return end;
  }
  fprintf(stderr, "fsb-init: there is no tool %s\n", argv[0]);
  return TOOL_MISUSED;
}

int tool_complain(const char *what, const char *name, int error) {
  if (error == 0) fprintf(stderr, "%s %s\n", what, name);
  else fprintf(stderr, "%s %s: %s\n", what, name, strerror(error));
  return TOOL_FAILED;
}

bool write_all(int fd, const void *data, size_t length) {
  const char *at = data;
  while (length > 0) {
    ssize_t written = write(fd, at, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    at += written;
    length -= (size_t)written;
  }
  return true;
}

long read_full(int fd, void *data, size_t length) {
  char *to = data;
  size_t done = 0;
  while (done < length) {
    ssize_t got = read(fd, to + done, length - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += (size_t)got;
  }
  return (long)done;
}
