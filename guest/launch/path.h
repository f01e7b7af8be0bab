/* Paths and directories of the node. */
#ifndef FSB_PATH_H
#define FSB_PATH_H

#include <stdbool.h>
#include <sys/types.h>

/* DIRECTORY/NAME, in memory of its own. */
const char *join(const char *directory, const char *name);

void make_directory(const char *path, mode_t mode);

/* A symbolic link to one is none. */
bool is_directory(const char *path);

#endif
