#include "workdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes one directory inside `parent` unless it is there, and opens it. Returns the descriptor or -1. */
static int open_directory(int parent, const char *name) {
  if (mkdirat(parent, name, 0755) < 0 && errno != EEXIST) return -1;
  return openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int workdir_create(const char *path) {
  struct stat status;
  if (stat(path, &status) == 0) return S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
  if (errno != ENOENT) return errno;
  char copy[PATH_MAX];
  if (strlen(path) >= sizeof copy) return ENAMETOOLONG;
  strcpy(copy, path);
  int directory = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  char *rest = copy;
  for (char *name = strsep(&rest, "/"); name != NULL && directory >= 0; name = strsep(&rest, "/")) {
    if (*name == 0) continue;
    int inner = open_directory(directory, name);
    int error = errno;
    close(directory);
    directory = inner;
    errno = error;
  }
  if (directory < 0) return errno;
  close(directory);
  return 0;
}
