#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tool.h"

bool source_name(const char *path, char *to) {
  size_t length = strlen(path);
  bool content = length >= 2 && strcmp(path + length - 2, "/.") == 0;
  while (length > 0 && path[length - 1] == '/') length--;
  const char *slash = memrchr(path, '/', length);
  const char *name = slash == NULL ? path : slash + 1;
  size_t size = (size_t)(path + length - name);
  if (content || length == 0 || (size == 1 && name[0] == '.')) {
    name = ".";
    size = 1;
  }
  if (size > NAME_MAX) return false;
  memcpy(to, name, size);
  to[size] = 0;
  return true;
}

/* From linux/magic.h, which musl's compiler does not find. */
enum { PROC = 0x9fa0, SYSFS = 0x62656572, CGROUP = 0x27e0eb, CGROUP2 = 0x63677270, DEVPTS = 0x1cd1 };

bool source_is_made_up(int fd) {
  struct statfs status;
  if (fstatfs(fd, &status) < 0) return false;
  switch ((unsigned long)status.f_type) {
    case PROC:
    case SYSFS:
    case CGROUP:
    case CGROUP2:
    case DEVPTS: return true;
    default: return false;
  }
}

int source_look(const char *path, bool follow) {
  struct stat status;
  if ((follow ? stat : lstat)(path, &status) < 0) {
    int error = errno;
    tool_complain("cannot copy", path, error);
    return error == ENOENT ? TOOL_MISSING : TOOL_FAILED;
  }
  int fd = S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ? open(path, O_PATH | O_CLOEXEC) : -1;
  bool made_up = fd >= 0 && source_is_made_up(fd);
  if (fd >= 0) close(fd);
  if (made_up) return tool_complain("cannot copy what the kernel makes up:", path, 0);
  return TOOL_DONE;
}
