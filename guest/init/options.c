#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool parse_descriptor(const char *text, int *out) {
  char *end = NULL;
  long value = strtol(text, &end, 10);
  if (end == text || *end != 0 || value < 3 || value > 65535) return false;
  *out = (int)value;
  return true;
}

static bool parse_option(const char *name, const char *value, struct options *out) {
  if (strcmp(name, "--listen") == 0 && value[0] != 0) {
    out->listen_path = value;
    return true;
  }
  if (strcmp(name, "--listen-fd") == 0) return parse_descriptor(value, &out->listen_fd);
  if (strcmp(name, "--secret-fd") == 0) return parse_descriptor(value, &out->secret_fd);
  return false;
}

bool options_parse(int argc, char **argv, struct options *out) {
  *out = (struct options){.listen_fd = -1, .secret_fd = -1};
  size_t directories = 0;
  out->directories = argv;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 < argc && strcmp(argv[i], "--directory") == 0) {
      argv[directories++] = argv[i + 1];
      continue;
    }
    if (i + 1 < argc && parse_option(argv[i], argv[i + 1], out)) continue;
    fprintf(stderr, "fsb-init: cannot understand %s\n", argv[i]);
    fprintf(stderr, "usage: fsb-init (--listen PATH | --listen-fd N) [--secret-fd N] [--directory PATH]...\n");
    fprintf(stderr, "       fsb-init TOOL [ARG]...\n");
    return false;
  }
  argv[directories] = NULL;
  if ((out->listen_path == NULL) != (out->listen_fd < 0)) return true;
  fprintf(stderr, "fsb-init: give one of --listen PATH and --listen-fd N\n");
  return false;
}
