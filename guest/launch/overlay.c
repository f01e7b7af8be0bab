/*
 * Overlay mounts by descriptor. Every directory is opened first and named to the kernel as its number relative to
 * /proc/self/fd. So a path may hold colons and commas, hundreds of layers fit into the one page that mount options
 * may fill, and the mount table inside the instance shows numbers instead of paths of the node. All of them are
 * closed on exec.
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

/* The kernel copies one page of options at most; pages are at least this big. */
enum { OPTIONS_SIZE = 4096 };

/* From linux/openat2.h, which not every libc brings along. */
struct how {
    uint64_t flags;
    uint64_t mode;
    uint64_t resolve;
};
#define HOW_NO_MAGICLINKS 0x02
#define HOW_IN_ROOT 0x10

static int open_directory(const char *step, const char *path, int flags) {
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | flags);
    if (fd < 0) fail(step, path);
    return fd;
}

/* An image may have a symbolic link where the overlay goes: it must not lead out of the root. */
static int open_target(const char *rootfs, const char *target) {
    int root = open_directory("open root", rootfs, O_NOFOLLOW);
    if (strcmp(target, "/") == 0) return root;
    struct how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = HOW_IN_ROOT | HOW_NO_MAGICLINKS};
    int fd = (int)syscall(SYS_openat2, root, target, &how, sizeof how);
    if (fd < 0) fail("open overlay target", target);
    return fd;
}

struct options {
    char text[OPTIONS_SIZE];
    size_t length;
};

static void append(struct options *options, const char *target, const char *prefix, int fd) {
    size_t room = sizeof options->text - options->length;
    int written = snprintf(options->text + options->length, room, "%s%d", prefix, fd);
    if (written < 0 || (size_t)written >= room) fail_because("mount overlay", target, "too many lower directories");
    options->length += (size_t)written;
}

/* Nothing of an instance has to survive a crash of the node, so its syncs need not wait for the disk ("volatile"). */
static int try_mount(const char *where, const struct options *options) {
    char text[OPTIONS_SIZE];
    unsigned long flags = MS_NOSUID | MS_NODEV;
    int length = snprintf(text, sizeof text, "%s,volatile", options->text);
    if (length > 0 && (size_t)length < sizeof text) {
        if (mount("overlay", where, "overlay", flags, text) == 0) return 0;
        if (errno != EINVAL) return -1;
    }
    return mount("overlay", where, "overlay", flags, options->text); /* before Linux 5.10 */
}

void mount_overlay(const char *rootfs, const struct overlay *overlay) {
    struct options options = {.length = 0};
    for (int i = 0; i < overlay->lower_count; i++)
        append(&options, overlay->target, i == 0 ? "lowerdir=" : ":",
               open_directory("open lower directory", overlay->lower[i], 0));
    int upper = open_directory("open upper directory", overlay->upper, O_NOFOLLOW);
    int work = open_directory("open work directory", overlay->work, O_NOFOLLOW);
    int target = open_target(rootfs, overlay->target);
    append(&options, overlay->target, ",upperdir=", upper);
    append(&options, overlay->target, ",workdir=", work);

    if (chdir("/proc/self/fd") != 0) fail("change directory to", "/proc/self/fd");
    char where[16];
    snprintf(where, sizeof where, "%d", target);
    if (try_mount(where, &options) != 0) fail("mount overlay on", overlay->target);
    if (chdir("/") != 0) fail("change directory to", "/");
}
