/*
 * fsb-launch spread DIR...: the directories that are made in DIR have nothing to do with each other.
 *
 * ext4 puts a new directory near its parent, and the files of it near both. Where thousands of layers and instances come
 * and go below one directory, its part of the disk is full of holes, and every new file searches through them. With this
 * flag (chattr +T) each directory in DIR begins where there is room.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launch.h"

/* From linux/fs.h, which not every libc brings along. */
#define GET_FLAGS _IOR('f', 1, long)
#define SET_FLAGS _IOW('f', 2, long)
#define TOP_DIRECTORY 0x00020000

/* It only makes things faster: file systems that do not know it go without. */
static void spread(const char *path) {
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (directory < 0) fail("open directory", path);
    int flags = 0;
    /* Not ioctl(): the two libcs that this is built with take requests of different types. */
    if (syscall(SYS_ioctl, directory, GET_FLAGS, &flags) == 0 && (flags & TOP_DIRECTORY) == 0) {
        flags |= TOP_DIRECTORY;
        (void)syscall(SYS_ioctl, directory, SET_FLAGS, &flags);
    }
    close(directory);
}

int spread_main(char **args) {
    if (*args == NULL) fail_because("option", "DIR", "missing");
    for (; *args != NULL; args++) spread(*args);
    return 0;
}
