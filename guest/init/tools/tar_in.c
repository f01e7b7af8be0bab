/*
 * tar-in: unpacks the tar on standard input below a directory. Nothing outside of it is reached, whatever the names and
 * links of the archive are. As docker has it, a directory stays one and nothing else becomes one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attributes.h"
#include "late_times.h"
#include "place.h"
#include "tar_reader.h"
#include "tool.h"

struct unpacking {
  struct tar_reader reader;
  struct tar_entry entry;
  struct tree tree;
  struct late_time *times; /* of directories */
  bool same_owner;
};

static bool fail(const char *what, const struct unpacking *un) {
  tool_complain(what, un->entry.name, errno);
  return false;
}

static bool refuse(const char *what, const char *name) {
  tool_complain(what, name, 0);
  return false;
}

static uid_t owner_of(const struct unpacking *un) { return un->same_owner ? un->entry.uid : 0; }
static gid_t group_of(const struct unpacking *un) { return un->same_owner ? un->entry.gid : 0; }

/* What was there goes, if its content is all that it was: directories are never exchanged for anything else, and devices,
 * fifos and sockets never given up, but a fifo for a fifo. */
static bool make_room(const struct unpacking *un, const struct place *place, bool *there) {
  struct stat status;
  *there = fstatat(place->directory, place->name, &status, AT_SYMLINK_NOFOLLOW) == 0;
  if (!*there) return errno == ENOENT || fail("cannot look at", un);
  bool directory = un->entry.type == TAR_DIRECTORY;
  if (S_ISDIR(status.st_mode)) return directory || refuse("cannot overwrite directory with non-directory", un->entry.name);
  if (directory) return refuse("cannot overwrite non-directory with directory", un->entry.name);
  bool same = S_ISFIFO(status.st_mode) && un->entry.type == TAR_FIFO;
  if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode) && !same) {
    return refuse("cannot overwrite device, fifo or socket", un->entry.name);
  }
  return unlinkat(place->directory, place->name, 0) == 0 || fail("cannot replace", un);
}

/* Owner first: that takes setuid away. */
static bool finish(const struct unpacking *un, int fd) {
  const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, un->entry.mtime};
  if (fchown(fd, owner_of(un), group_of(un)) < 0) return fail("cannot give away", un);
  if (fchmod(fd, un->entry.mode) < 0) return fail("cannot set mode of", un);
  attributes_put(&un->reader, fd);
  return futimens(fd, times) == 0 || fail("cannot set time of", un);
}

static bool write_content(struct unpacking *un, int fd) {
  const char *data = NULL;
  long length = 0;
  while ((length = tar_reader_content(&un->reader, &data)) > 0) {
    if (!write_all(fd, data, (size_t)length)) return fail("cannot write", un);
  }
  return length == 0 || refuse("the archive ends in the middle of", un->entry.name);
}

static bool unpack_file(struct unpacking *un, const struct place *place) {
  int fd = openat(place->directory, place->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return fail("cannot make", un);
  bool good = write_content(un, fd) && finish(un, fd);
  /* Half a file would pass for a whole one. */
  if (!good) unlinkat(place->directory, place->name, 0);
  return close(fd) == 0 && good;
}

static bool unpack_directory(struct unpacking *un, const struct place *place, bool there) {
  if (!there && mkdirat(place->directory, place->name, 0700) < 0) return fail("cannot make", un);
  int fd = openat(place->directory, place->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return fail("cannot open", un);
  bool good = finish(un, fd);
  if (good && !late_times_add(&un->times, un->entry.name, &un->entry.mtime)) good = fail("no memory for", un);
  close(fd);
  return good;
}

/* What has no descriptor to change it by. */
static bool finish_by_name(const struct unpacking *un, const struct place *place) {
  const struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, un->entry.mtime};
  if (fchownat(place->directory, place->name, owner_of(un), group_of(un), AT_SYMLINK_NOFOLLOW) < 0) {
    return fail("cannot give away", un);
  }
  if (utimensat(place->directory, place->name, times, AT_SYMLINK_NOFOLLOW) < 0) return fail("cannot set time of", un);
  return true;
}

static bool unpack_symlink(const struct unpacking *un, const struct place *place) {
  if (symlinkat(un->entry.target, place->directory, place->name) < 0) return fail("cannot make link", un);
  return finish_by_name(un, place);
}

static bool unpack_fifo(const struct unpacking *un, const struct place *place) {
  if (mkfifoat(place->directory, place->name, un->entry.mode) < 0) return fail("cannot make", un);
  return finish_by_name(un, place);
}

/* The name that it is a link to is one of the archive, below the same directory. */
static bool unpack_link(struct unpacking *un) {
  struct place from;
  struct place to;
  if (!place_clean(un->entry.target) || un->entry.target[0] == 0) return refuse("refused link out of the directory", un->entry.name);
  if (strcmp(un->entry.target, un->entry.name) == 0) return true;
  if (!place_find(&un->tree, un->entry.target, false, &from)) return fail("cannot find the target of", un);
  /* The next search may close it. */
  int directory = fcntl(from.directory, F_DUPFD_CLOEXEC, 3);
  bool there = false;
  bool good = directory >= 0 && place_find(&un->tree, un->entry.name, true, &to);
  if (!good) fail("cannot make link", un);
  good = good && make_room(un, &to, &there);
  if (good && linkat(directory, from.name, to.directory, to.name, 0) < 0) good = fail("cannot make link", un);
  if (directory >= 0) close(directory);
  return good;
}

static const char KINDS[] = {TAR_FILE, TAR_DIRECTORY, TAR_SYMLINK, TAR_FIFO, 0};

static bool unpack(struct unpacking *un) {
  if (!place_clean(un->entry.name)) return refuse("refused name that leads out of the directory:", un->entry.name);
  /* The directory itself keeps what it has. */
  if (un->entry.name[0] == 0) return true;
  if (un->entry.type == TAR_LINK) return unpack_link(un);
  if (un->entry.type == TAR_CHARACTER_DEVICE || un->entry.type == TAR_BLOCK_DEVICE) {
    refuse("left out device", un->entry.name);
    return true;
  }
  /* Before anything goes to make room for it. */
  if (strchr(KINDS, un->entry.type) == NULL) return refuse("cannot unpack what is of an unknown kind:", un->entry.name);
  struct place place;
  bool there = false;
  if (!place_find(&un->tree, un->entry.name, true, &place)) return fail("cannot reach", un);
  if (!make_room(un, &place, &there)) return false;
  switch (un->entry.type) {
    case TAR_FILE: return unpack_file(un, &place);
    case TAR_DIRECTORY: return unpack_directory(un, &place, there);
    case TAR_SYMLINK: return unpack_symlink(un, &place);
    default: return unpack_fifo(un, &place);
  }
}

static bool unpack_all(struct unpacking *un) {
  for (;;) {
    switch (tar_reader_next(&un->reader, &un->entry)) {
      case TAR_END: return true;
      case TAR_BROKEN: return refuse("cannot read the archive:", un->reader.problem);
      case TAR_ENTRY: break;
    }
    if (!unpack(un)) return false;
  }
}

int tool_tar_in(int argc, char **argv) {
  static struct unpacking un;
  int at = 1;
  un.same_owner = at < argc && strcmp(argv[at], "--same-owner") == 0;
  if (un.same_owner) at++;
  if (at < argc && strcmp(argv[at], "--") == 0) at++;
  if (at + 1 != argc) return TOOL_MISUSED;
  umask(0);
  if (!tree_open(&un.tree, argv[at])) {
    int error = errno;
    tool_complain("cannot unpack into", argv[at], error);
    return error == ENOENT ? TOOL_MISSING : TOOL_FAILED;
  }
  un.reader.fd = STDIN_FILENO;
  bool good = unpack_all(&un);
  /* Also after a failure: what is there should look as it was meant. */
  late_times_put(&un.times, &un.tree);
  tree_close(&un.tree);
  if (good) tar_reader_drain(&un.reader);
  free(un.reader.pax);
  return good ? TOOL_DONE : TOOL_FAILED;
}
