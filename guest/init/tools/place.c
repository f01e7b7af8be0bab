#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

/* From linux/openat2.h, which not every libc brings along. */
struct how {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};
#define HOW_NO_MAGICLINKS 0x02
#define HOW_IN_ROOT 0x10

enum { DIRECTORY = O_PATH | O_DIRECTORY | O_CLOEXEC };

bool place_clean(char *path) {
  char *to = path;
  char *rest = path;
  for (char *part = strsep(&rest, "/"); part != NULL; part = strsep(&rest, "/")) {
    if (part[0] == 0 || strcmp(part, ".") == 0) continue;
    if (strcmp(part, "..") == 0) return false;
    if (to != path) *to++ = '/';
    size_t length = strlen(part);
    memmove(to, part, length);
    to += length;
  }
  *to = 0;
  return true;
}

bool tree_open(struct tree *tree, const char *path) {
  tree->parent_path[0] = 0;
  tree->parent = -1;
  tree->root = open(path, DIRECTORY);
  if (tree->root >= 0) tree->parent = fcntl(tree->root, F_DUPFD_CLOEXEC, 3);
  return tree->parent >= 0;
}

void tree_close(struct tree *tree) {
  if (tree->parent >= 0) close(tree->parent);
  if (tree->root >= 0) close(tree->root);
}

/* One step down, never through a symbolic link. */
static int step(int directory, const char *name, bool make) {
  int inner = openat(directory, name, DIRECTORY | O_NOFOLLOW);
  if (inner >= 0 || errno != ENOENT || !make) return inner;
  if (mkdirat(directory, name, 0755) < 0 && errno != EEXIST) return -1;
  return openat(directory, name, DIRECTORY | O_NOFOLLOW);
}

static int walk(const struct tree *tree, char *path, bool make) {
  int directory = fcntl(tree->root, F_DUPFD_CLOEXEC, 3);
  char *rest = path;
  for (char *name = strsep(&rest, "/"); name != NULL && directory >= 0; name = strsep(&rest, "/")) {
    int inner = step(directory, name, make);
    int error = errno;
    close(directory);
    directory = inner;
    errno = error;
  }
  return directory;
}

/* The kernel follows links as if the root were that of the file system. A kernel that cannot leaves it at the refusal. */
static int follow(const struct tree *tree, const char *path) {
  struct how how = {.flags = DIRECTORY, .resolve = HOW_IN_ROOT | HOW_NO_MAGICLINKS};
  int directory = (int)syscall(SYS_openat2, tree->root, path, &how, sizeof how);
  if (directory < 0 && errno == ENOSYS) errno = ENOTDIR;
  return directory;
}

static int open_parent(const struct tree *tree, const char *path, bool make) {
  if (path[0] == 0) return fcntl(tree->root, F_DUPFD_CLOEXEC, 3);
  char copy[TAR_NAME_MOST + 1];
  strcpy(copy, path);
  int directory = walk(tree, copy, make);
  return directory < 0 && (errno == ENOTDIR || errno == ELOOP) ? follow(tree, path) : directory;
}

bool place_find(struct tree *tree, const char *path, bool make, struct place *out) {
  const char *slash = strrchr(path, '/');
  size_t length = slash == NULL ? 0 : (size_t)(slash - path);
  out->name = slash == NULL ? path : slash + 1;
  if (strlen(tree->parent_path) != length || memcmp(tree->parent_path, path, length) != 0) {
    char parent[TAR_NAME_MOST + 1];
    memcpy(parent, path, length);
    parent[length] = 0;
    int directory = open_parent(tree, parent, make);
    if (directory < 0) return false;
    close(tree->parent);
    tree->parent = directory;
    strcpy(tree->parent_path, parent);
  }
  out->directory = tree->parent;
  return true;
}
