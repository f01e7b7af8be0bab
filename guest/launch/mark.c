/*
 * fsb-launch mark ROOT FILE: puts on an unpacked layer what Node.js cannot, as FILE says (mark.h): whiteouts, devices, FIFOs,
 * extended attributes.
 *
 * Nothing outside of ROOT is reached, whatever the paths are: no symbolic link is followed, and no mount is crossed. A
 * mark that cannot be put is an error: a file that should be hidden would shine through.
 */
#include "mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "launch.h"

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

/* From linux/openat2.h, which not every libc brings along. */
struct how {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};
#define HOW_NO_XDEV 0x01
#define HOW_NO_MAGICLINKS 0x02
#define HOW_NO_SYMLINKS 0x04
#define HOW_BENEATH 0x08

struct marker {
    int root;
    int marks;
    /* The directory that the process is in: most marks are beside the one before. */
    char parent[MARK_LONGEST_PATH + 1];
    char input[4 + MARK_LONGEST];
    size_t input_length;
    struct mark mark;
};

/* Goes to the directory that has the thing. Returns the thing's name there. */
static const char *enter(struct marker *marker, const char *path) {
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path);
    const char *name = slash == NULL ? path : slash + 1;
    if (strlen(marker->parent) == length && memcmp(marker->parent, path, length) == 0) return name;
    memcpy(marker->parent, path, length);
    marker->parent[length] = '\0';
    struct how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve = HOW_BENEATH | HOW_NO_SYMLINKS | HOW_NO_MAGICLINKS | HOW_NO_XDEV,
    };
    int fd = (int)syscall(SYS_openat2, marker->root, length == 0 ? "." : marker->parent, &how, sizeof how);
    if (fd < 0) fail("open directory of", path);
    if (fchdir(fd) != 0) fail("enter directory of", path);
    close(fd);
    return name;
}

static void put_time(const struct mark *mark, const char *name) {
    struct timespec times[2] = {
        {.tv_sec = (time_t)mark->seconds, .tv_nsec = (long)mark->nanoseconds},
        {.tv_sec = (time_t)mark->seconds, .tv_nsec = (long)mark->nanoseconds},
    };
    if (utimensat(AT_FDCWD, name, times, AT_SYMLINK_NOFOLLOW) != 0) fail("set time of", mark->path);
}

static void put_node(const struct mark *mark, const char *name) {
    if (unlink(name) != 0) fail("replace", mark->path);
    if (mknod(name, mark->mode, makedev(mark->major, mark->minor)) != 0) fail("make node", mark->path);
    if (lchown(name, mark->uid, mark->gid) != 0) fail("give away", mark->path);
    /* After lchown, and whatever the umask; the name is that of the node just made, no link. */
    if (chmod(name, mark->mode & 07777) != 0) fail("set mode of", mark->path);
    put_time(mark, name);
}

/* As docker does: images are made where more is allowed or known than here. */
static bool may_be_left_out(const char *attribute, int reason) {
    if (reason == ENOTSUP || reason == EPERM) return true;
    /* Only a directory has a default ACL. */
    return reason == EACCES && strcmp(attribute, "system.posix_acl_default") == 0;
}

static void put_attribute(const struct mark *mark, const char *name) {
    if (lsetxattr(name, mark->name, mark->value, mark->value_length, 0) == 0 ||
        may_be_left_out(mark->name, errno))
        return;
    char step[sizeof mark->name + sizeof "set attribute  of"];
    snprintf(step, sizeof step, "set attribute %s of", mark->name);
    fail(step, mark->path);
}

static void put(struct marker *marker) {
    const struct mark *mark = &marker->mark;
    const char *name = enter(marker, mark->path);
    switch (mark->kind) {
    case MARK_WHITEOUT:
        if (mknod(name, S_IFCHR, makedev(0, 0)) != 0) fail("make whiteout", mark->path);
        return;
    case MARK_OPAQUE:
        if (lsetxattr(name, "trusted.overlay.opaque", "y", 1, 0) != 0) fail("make opaque", mark->path);
        return;
    case MARK_NODE:
        return put_node(mark, name);
    case MARK_ATTRIBUTE:
        return put_attribute(mark, name);
    case MARK_END:
        return;
    }
}

/* Returns false after the last mark. */
static bool put_all(struct marker *marker) {
    size_t at = 0;
    for (;;) {
        long taken = mark_decode(marker->input + at, marker->input_length - at, &marker->mark);
        if (taken < 0) fail_because("mark", "of the core", "malformed");
        if (taken == 0) break;
        at += (size_t)taken;
        if (marker->mark.kind != MARK_END) {
            put(marker);
            continue;
        }
        if (at != marker->input_length) fail_because("mark", "of the core", "goes on behind the end");
        return false;
    }
    marker->input_length -= at;
    memmove(marker->input, marker->input + at, marker->input_length);
    return true;
}

/* The longest mark fits, and whole ones never stay: there is always room to read into. */
static void read_more(struct marker *marker) {
    ssize_t got;
    do got = read(marker->marks, marker->input + marker->input_length, sizeof marker->input - marker->input_length);
    while (got < 0 && errno == EINTR);
    if (got < 0) fail("read", "marks");
    if (got == 0) fail_because("read", "marks", "they end in the middle");
    marker->input_length += (size_t)got;
}

int mark_main(char **args) {
    if (args[0] == NULL) fail_because("option", "ROOT", "missing");
    if (args[1] == NULL) fail_because("option", "FILE", "missing");
    if (args[2] != NULL) fail_because("option", args[2], "unknown");
    static struct marker marker;
    marker.marks = open(args[1], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (marker.marks < 0) fail("open marks", args[1]);
    marker.root = open(args[0], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (marker.root < 0) fail("open root", args[0]);
    if (fchdir(marker.root) != 0) fail("enter root", args[0]);
    do read_more(&marker);
    while (put_all(&marker));
    return 0;
}
