#include "prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "path.h"
#include "tree.h"

static void refuse(const char *path) {
    struct stat status;
    if (path == NULL || lstat(path, &status) != 0) return;
    fprintf(stderr, "fsb-launch: there is one already, %s\n", path);
    exit(EXIT_EXISTS);
}

void refuse_existing(const char *layers, const char *bundle) {
    refuse(layers);
    refuse(bundle);
}

/* The root of an overlay shows the mode and owner of its upper directory: they are taken from what it covers. */
static void make_upper(const char *path, const struct stat *like) {
    make_directory(path, 0700);
    if (chown(path, like->st_uid, like->st_gid) != 0 || chmod(path, like->st_mode & 07777) != 0)
        fail("set owner and mode of", path);
}

void make_layers(const char *layers, bool again, struct overlay *overlays, int count) {
    for (int i = 0; i < count; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        const char *directory = join(layers, name);
        overlays[i].upper = join(directory, "upper");
        overlays[i].work = join(directory, "work");
        /* A volatile overlay leaves a mark in it, so that nobody mounts it again who does not know. */
        if (again) remove_tree(overlays[i].work);
        if (!again || !is_directory(overlays[i].upper)) {
            if (!again || !is_directory(directory)) make_directory(directory, 0700);
            struct stat lower;
            if (lstat(overlays[i].lower[0], &lower) != 0) fail("read layer", overlays[i].lower[0]);
            make_upper(overlays[i].upper, &lower);
        }
        make_directory(overlays[i].work, 0700);
    }
}

/* As the topmost layer that has one shows it. */
static void stat_etc(const struct overlay *root, struct stat *status) {
    for (int i = 0; i < root->lower_count; i++)
        if (lstat(join(root->lower[i], "etc"), status) == 0 && S_ISDIR(status->st_mode)) return;
    if (lstat(root->upper, status) != 0) fail("read directory", root->upper);
}

static void write_file(const char *path, const char *text, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) fail("make file", path);
    for (size_t left = strlen(text); left > 0;) {
        ssize_t written = write(fd, text, left);
        if (written < 0 && errno != EINTR) fail("write file", path);
        if (written > 0) text += written, left -= (size_t)written;
    }
    if (fchmod(fd, mode) != 0) fail("set mode of", path);
    close(fd);
}

/* The upper directory was just made and no process of a guest has seen it, so there is no symbolic link in it that
 * could lead elsewhere; files of the image stay below, untouched. */
void write_etc(const struct overlay *root, const struct file *files, int count) {
    struct stat like;
    stat_etc(root, &like);
    const char *etc = join(root->upper, "etc");
    make_upper(etc, &like);
    for (int i = 0; i < count; i++) write_file(join(etc, files[i].name), files[i].text, 0644);
}

void make_bundle(const char *bundle, const char *config) {
    make_directory(bundle, 0700);
    make_directory(join(bundle, "rootfs"), 0755);
    write_file(join(bundle, "config.json"), config, 0600);
}
