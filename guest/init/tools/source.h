/* What tar-out is asked to pack. */
#ifndef FSB_SOURCE_H
#define FSB_SOURCE_H

#include <stdbool.h>

/* Puts the name that the path has in the archive at `to`, with room for NAME_MAX and a NUL. Returns false when it is too
 * long. */
bool source_name(const char *path, char *to);

/* Returns TOOL_DONE when there is something to pack, else how it ends. */
int source_look(const char *path, bool follow);

/* The kernel makes these up: their files say that they are empty, and some never end. */
bool source_is_made_up(int fd);

#endif
