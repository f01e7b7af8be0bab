/*
 * tar-out: a tar of what is at a path, on standard output. Its names begin with the last part of the path; a path that
 * ends with `/.`, and the root, mean the content, and the names begin with `./`. With -L a symbolic link at the path itself
 * is followed. Devices and sockets are left out.
 *
 * What cannot be read is told and left out, and the end is a failure then: the rest is there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attributes.h"
#include "links.h"
#include "source.h"
#include "tar_writer.h"
#include "tool.h"

struct packing {
  struct tar_writer writer;
  struct tar_entry entry; /* its name is the path so far */
  struct links links;
  bool failed;
};

static void pack(struct packing *pk, int directory, const char *name, bool follow);

static void note(struct packing *pk, const char *what) {
  tool_complain(what, pk->entry.name, errno);
  pk->failed = true;
}

static void fill_entry(struct packing *pk, char type, const struct stat *status) {
  struct tar_entry *entry = &pk->entry;
  entry->type = type;
  entry->mode = status->st_mode & 07777;
  entry->uid = status->st_uid;
  entry->gid = status->st_gid;
  entry->size = type == TAR_FILE ? (uint64_t)status->st_size : 0;
  entry->mtime = status->st_mtim;
  entry->target[0] = 0;
}

/* As many bytes as the header says, whatever happens to the file meanwhile. */
static void put_content(struct packing *pk, int fd) {
  bool cut = false;
  for (uint64_t left = pk->entry.size; left > 0 && !pk->writer.failed;) {
    size_t room = 0;
    char *to = tar_writer_room(&pk->writer, &room);
    size_t part = left < room ? (size_t)left : room;
    long got = cut ? 0 : read_full(fd, to, part);
    size_t had = got < 0 ? 0 : (size_t)got;
    if (had < part && !cut) {
      cut = true;
      if (got >= 0) errno = 0;
      note(pk, got < 0 ? "cannot read" : "became shorter while it was read:");
    }
    memset(to + had, 0, part - had);
    tar_writer_wrote(&pk->writer, part);
    left -= part;
  }
  tar_writer_fill(&pk->writer, pk->entry.size);
}

static bool pack_link(struct packing *pk, const struct stat *status) {
  if (status->st_nlink < 2) return false;
  const char *first = links_first(&pk->links, status, pk->entry.name);
  if (first == NULL) return false;
  fill_entry(pk, TAR_LINK, status);
  strcpy(pk->entry.target, first);
  tar_writer_entry(&pk->writer, &pk->entry);
  return true;
}

static void pack_file(struct packing *pk, int fd) {
  struct stat status;
  if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode)) return note(pk, "cannot look at");
  if (pack_link(pk, &status)) return;
  fill_entry(pk, TAR_FILE, &status);
  attributes_take(&pk->writer, fd);
  tar_writer_entry(&pk->writer, &pk->entry);
  put_content(pk, fd);
}

static bool is_dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

/* The name grows by a part, and gets its length back. */
static void pack_inner(struct packing *pk, int directory, const char *name) {
  char *path = pk->entry.name;
  size_t length = strlen(path);
  if (length + strlen(name) + 2 > TAR_NAME_MOST) {
    errno = ENAMETOOLONG;
    return note(pk, "cannot take all of");
  }
  strcpy(path + length, name);
  pack(pk, directory, name, false);
  path[length] = 0;
}

/* Takes the descriptor. The name ends with a slash while it is that of a directory. */
static void pack_directory(struct packing *pk, int fd) {
  struct stat status = {0};
  size_t length = strlen(pk->entry.name);
  if (fstat(fd, &status) < 0) note(pk, "cannot look at");
  if (pk->entry.name[length - 1] != '/') strcpy(pk->entry.name + length, "/");
  fill_entry(pk, TAR_DIRECTORY, &status);
  attributes_take(&pk->writer, fd);
  tar_writer_entry(&pk->writer, &pk->entry);
  DIR *stream = source_is_made_up(fd) ? NULL : fdopendir(fd);
  if (stream == NULL) {
    close(fd);
  } else {
    for (struct dirent *inner = readdir(stream); inner != NULL && !pk->writer.failed; inner = readdir(stream)) {
      if (!is_dots(inner->d_name)) pack_inner(pk, dirfd(stream), inner->d_name);
    }
    closedir(stream);
  }
  pk->entry.name[length] = 0;
}

static void pack_symlink(struct packing *pk, int directory, const char *name, const struct stat *status) {
  if (pack_link(pk, status)) return;
  fill_entry(pk, TAR_SYMLINK, status);
  ssize_t length = readlinkat(directory, name, pk->entry.target, TAR_NAME_MOST);
  if (length < 0) return note(pk, "cannot read link");
  pk->entry.target[length] = 0;
  tar_writer_entry(&pk->writer, &pk->entry);
}

static void pack_fifo(struct packing *pk, const struct stat *status) {
  fill_entry(pk, TAR_FIFO, status);
  tar_writer_entry(&pk->writer, &pk->entry);
}

/* One that vanishes meanwhile was never there. */
static void pack(struct packing *pk, int directory, const char *name, bool follow) {
  struct stat status;
  if (fstatat(directory, name, &status, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0) {
    if (errno != ENOENT) note(pk, "cannot look at");
    return;
  }
  if (S_ISLNK(status.st_mode)) return pack_symlink(pk, directory, name, &status);
  if (S_ISFIFO(status.st_mode)) return pack_fifo(pk, &status);
  bool is_directory = S_ISDIR(status.st_mode);
  if (!is_directory && !S_ISREG(status.st_mode)) {
    tool_complain(S_ISSOCK(status.st_mode) ? "left out socket" : "left out device", pk->entry.name, 0);
    return;
  }
  /* Non-blocking: it may be another thing by now. */
  int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (is_directory ? O_DIRECTORY : 0);
  int fd = openat(directory, name, flags | (follow ? 0 : O_NOFOLLOW));
  if (fd < 0) {
    if (errno != ENOENT) note(pk, "cannot open");
    return;
  }
  if (is_directory) return pack_directory(pk, fd);
  pack_file(pk, fd);
  close(fd);
}

int tool_tar_out(int argc, char **argv) {
  static struct packing pk;
  int at = 1;
  bool follow = at < argc && strcmp(argv[at], "-L") == 0;
  if (follow) at++;
  if (at < argc && strcmp(argv[at], "--") == 0) at++;
  if (at + 1 != argc) return TOOL_MISUSED;
  if (!source_name(argv[at], pk.entry.name)) return tool_complain("cannot copy", argv[at], ENAMETOOLONG);
  int end = source_look(argv[at], follow);
  if (end != TOOL_DONE) return end;
  pack(&pk, AT_FDCWD, argv[at], follow);
  return tar_writer_end(&pk.writer) && !pk.failed ? TOOL_DONE : TOOL_FAILED;
}
