#include "path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "launch.h"

const char *join(const char *directory, const char *name) {
    size_t room = strlen(directory) + strlen(name) + 2;
    char *path = malloc(room);
    if (path == NULL) fail("allocate", "memory");
    snprintf(path, room, "%s/%s", directory, name);
    return path;
}

void make_directory(const char *path, mode_t mode) {
    if (mkdir(path, mode) != 0) fail("make directory", path);
}

bool is_directory(const char *path) {
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}
