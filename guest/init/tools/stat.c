/*
 * stat: what is at a path. One line `KIND MODE SIZE SECONDS.NANOSECONDS UID GID`, MODE in octal; behind it, for a symbolic
 * link, its target as it is, up to the end.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tool.h"

static const char *kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return "file";
    case S_IFDIR: return "directory";
    case S_IFLNK: return "symlink";
    case S_IFIFO: return "fifo";
    case S_IFSOCK: return "socket";
    default: return "device";
  }
}

static int print(const char *path, const struct stat *status) {
  char target[PATH_MAX];
  ssize_t length = S_ISLNK(status->st_mode) ? readlink(path, target, sizeof target) : 0;
  if (length < 0) return tool_complain("cannot read link", path, errno);
  printf("%s %o %lld %lld.%09ld %u %u\n", kind_of(status->st_mode), (unsigned)(status->st_mode & 07777),
         (long long)status->st_size, (long long)status->st_mtim.tv_sec, status->st_mtim.tv_nsec,
         (unsigned)status->st_uid, (unsigned)status->st_gid);
  fwrite(target, 1, (size_t)length, stdout);
  return fflush(stdout) == 0 ? TOOL_DONE : TOOL_FAILED;
}

int tool_stat(int argc, char **argv) {
  int at = 1;
  bool follow = at < argc && strcmp(argv[at], "-L") == 0;
  if (follow) at++;
  if (at < argc && strcmp(argv[at], "--") == 0) at++;
  if (at + 1 != argc) return TOOL_MISUSED;
  struct stat status;
  if ((follow ? stat : lstat)(argv[at], &status) < 0) {
    int error = errno;
    tool_complain("cannot look at", argv[at], error);
    return error == ENOENT ? TOOL_MISSING : TOOL_FAILED;
  }
  return print(argv[at], &status);
}
