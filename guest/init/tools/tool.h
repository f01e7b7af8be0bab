/*
 * The tools of fsb-init: `fsb-init TOOL ARG...` runs as an ordinary process of the instance, for the core. What a tool
 * says on standard output is for the program that asked for it; standard error is for people.
 */
#ifndef FSB_TOOL_H
#define FSB_TOOL_H

#include <stdbool.h>
#include <stddef.h>

enum tool_end { TOOL_DONE = 0, TOOL_FAILED = 1, TOOL_MISUSED = 2, TOOL_MISSING = 3 };

/* argv[0] is the name of the tool. Returns the exit code. */
int tool_run(int argc, char **argv);

int tool_connect(int argc, char **argv);
int tool_processes(int argc, char **argv);
int tool_stat(int argc, char **argv);
int tool_tar_in(int argc, char **argv);
int tool_tar_out(int argc, char **argv);

/* Says on standard error what happened to what; `error` 0 leaves out the reason. Returns TOOL_FAILED. */
int tool_complain(const char *what, const char *name, int error);

/* All of it, however often the kernel takes a part only. */
bool write_all(int fd, const void *data, size_t length);

/* As much as there is up to `length`; less only at the end. Returns -1 with errno. */
long read_full(int fd, void *data, size_t length);

#endif
