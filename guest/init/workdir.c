#include "workdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes one directory inside `parent`, opens it without following links, so that nobody can put another directory in
 * its place before it gets its owner. Returns the descriptor or -1. */
static int make_directory(int parent, const char *name, uid_t uid, gid_t gid) {
  bool made = mkdirat(parent, name, 0755) == 0;
  if (!made && errno != EEXIST) return -1;
  int fd = openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC | (made ? O_NOFOLLOW : 0));
  if (fd < 0 || !made || (uid == geteuid() && gid == getegid())) return fd;
  if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

int workdir_create(const char *path, uid_t uid, gid_t gid) {
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
    int inner = openat(directory, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (inner < 0 && errno == ENOENT) inner = make_directory(directory, name, uid, gid);
    int error = errno;
    close(directory);
    directory = inner;
    errno = error;
  }
  if (directory < 0) return errno;
  close(directory);
  return 0;
}
