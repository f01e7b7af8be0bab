/*
 * The disk of an instance: an ext4 in a sparse file, LAYERS/disk.img, mounted on LAYERS/disk.
 *
 * The file system has no journal: nothing of an instance has to survive a crash of the node, and an overlay that does
 * not sync needs none for what the kernel unmounts in order.
 */
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"
#include "loop.h"
#include "path.h"
#include "sparse.h"

/* All that is asked of it said here: what a node has in its mke2fs.conf may suit other kernels, or other disks. */
#define FEATURES \
    "none,ext_attr,dir_index,filetype,extent,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize," \
    "metadata_csum,64bit"

/* Where an ext4 says how it was left, little-endian; from fs/ext4/ext4.h. */
enum { STATE_OFFSET = 1024 + 58, STATE_VALID = 1, STATE_ERRORS = 2 };

/* e2fsck(8): what it found is mended. */
enum { FSCK_MENDED = 1 | 2 };

static const char *image_of(const char *layers) { return join(layers, "disk.img"); }

/* Runs a program to its end, with nothing to read and only errors to tell. Returns its exit code; one that cannot be run has
 * said so. */
static int run(char *const *words) {
    pid_t child = fork();
    if (child < 0) fail("fork for", words[0]);
    if (child == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0) fail("redirect", "stdio");
        execvp(words[0], words);
        fail("execute", words[0]);
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) fail("wait for", words[0]);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
    if (code == EXIT_FAILED) exit(code);
    return code;
}

/* In memory: mke2fs waits until the disk has what it wrote, which takes longer than all the rest of a boot. */
static int format(off_t size, const char *path) {
    int memory = (int)memfd_create("disk", 0);
    if (memory < 0 || ftruncate(memory, size) != 0) fail("make memory for", path);
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", memory);
    setenv("MKE2FS_CONFIG", "/dev/null", 1);
    char *words[] = {"mke2fs", "-q", "-F", "-b", "4096", "-I", "256", "-i", "8192", "-m", "0", "-O", FEATURES, name, NULL};
    if (run(words) != 0) fail_because("make an ext4 in", path, "mke2fs failed");
    return memory;
}

void make_disk(const char *layers, const char *bytes) {
    const char *path = image_of(layers);
    off_t size = (off_t)parse_number("size of disk", bytes, INT64_MAX);
    const char *beginning = join(layers, "disk.new");
    int from = format(size, path);
    int to = open(beginning, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0) fail("make file", beginning);
    copy_sparse(from, to, size, beginning);
    close(from);
    close(to);
    if (rename(beginning, path) != 0) fail("make file", path);
}

static bool is_clean(int image, const char *path) {
    unsigned char state[2];
    if (pread(image, state, sizeof state, STATE_OFFSET) != (ssize_t)sizeof state) fail("read", path);
    return (state[0] & (STATE_VALID | STATE_ERRORS)) == STATE_VALID;
}

/* Without asking anybody: what it cannot mend without a loss is left to a person. */
static void repair(const char *path) {
    char *words[] = {"e2fsck", "-p", (char *)path, NULL};
    int code = run(words);
    if ((code & ~FSCK_MENDED) != 0)
        fail_because("repair", path, "e2fsck cannot mend what a loss of power or a bad disk has done to it; a reset begins anew without it");
}

/*
 * A loop device keeps its file open, and with it this lock, until the last mount of it is gone. So an instance whose
 * predecessor is still writing its files out waits: two mounts of one image would destroy it.
 */
static int open_alone(const char *path) {
    int image = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (image < 0) fail("open", path);
    while (flock(image, LOCK_EX) != 0)
        if (errno != EINTR) fail("lock", path);
    return image;
}

const char *mount_disk(const char *layers) {
    const char *path = image_of(layers);
    const char *where = join(layers, "disk");
    int image = open_alone(path);
    if (!is_clean(image, path)) repair(path);
    if (mkdir(where, 0700) != 0 && errno != EEXIST) fail("make directory", where);
    char device[LOOP_PATH_SIZE];
    int loop = attach_loop(image, path, device);
    /* What the guest removes gives its room back to the node. */
    if (mount(device, where, "ext4", MS_NOSUID | MS_NODEV | MS_NOATIME, "discard,noinit_itable,errors=remount-ro") != 0)
        fail("mount disk", path);
    close(loop);
    close(image);
    return where;
}
