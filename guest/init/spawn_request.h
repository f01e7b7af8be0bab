/* A decoded SPAWN: how to start one process. */
#ifndef FSB_SPAWN_REQUEST_H
#define FSB_SPAWN_REQUEST_H

#include <stdbool.h>
#include <sys/resource.h>

#include "frame.h"

struct limit_request {
  uint8_t resource;
  uint64_t soft;
  uint64_t hard;
};

struct spawn_request {
  bool tty;
  bool input;
  bool discard;
  bool times; /* the core asks how long each step takes */
  uint16_t rows;
  uint16_t columns;
  char *cwd;  /* "" for / */
  char *user; /* "" for uid 0 */
  gid_t *groups;
  size_t group_count;
  struct limit_request *limits;
  size_t limit_count;
  char **argv;        /* at least one, ends with NULL */
  char **environment; /* ends with NULL, with room for two entries more */
  size_t environment_count;
  char *text; /* where the strings live */
};

enum decoded { DECODED, DECODED_MALFORMED, DECODED_NO_MEMORY };

/* On DECODED the caller owns *out and calls spawn_request_free(). */
enum decoded spawn_request_decode(struct bytes payload, struct spawn_request *out);
void spawn_request_free(struct spawn_request *request);

#endif
