/* The child between fork and exec. */
#ifndef FSB_CHILD_H
#define FSB_CHILD_H

#include <sys/resource.h>

#include "spawn_request.h"
#include "stopwatch.h"

struct child_files {
  int input; /* becomes 0 */
  int output;
  int error;
  int status; /* the end on which a struct failure is written when it cannot execute */
};

/* Becomes the requested program, or writes a struct failure to files->status and ends. */
_Noreturn void child_run(const struct spawn_request *request, const struct child_files *files,
                         const struct rlimit *open_files, struct stopwatch *stopwatch);

#endif
