#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launch.h"

/* From linux/loop.h, which not every libc brings along. */
enum { LOOP_CONFIGURE = 0x4C0A, LOOP_CTL_GET_FREE = 0x4C82 };
enum { LO_FLAGS_AUTOCLEAR = 4, LO_FLAGS_DIRECT_IO = 16 };
struct loop_info64 {
    uint64_t device, inode, rdevice, offset, sizelimit;
    uint32_t number, encrypt_type, encrypt_key_size, flags;
    uint8_t file_name[64], crypt_name[64], encrypt_key[32];
    uint64_t init[2];
};
struct loop_config {
    uint32_t fd;
    uint32_t block_size;
    struct loop_info64 info;
    uint64_t reserved[8];
};

/* How often another process may take the device that the kernel has called free. */
enum { ATTEMPTS = 64 };

/* Not ioctl(): the two libcs that this is built with take requests of different types. */
static long control(int fd, unsigned long request, const void *argument) {
    return syscall(SYS_ioctl, fd, request, argument);
}

/* What is written goes past the page cache of the file: the one of what is mounted on it has it already. */
static long configure(int device, int file) {
    struct loop_config config = {.fd = (uint32_t)file};
    config.info.flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
    if (control(device, LOOP_CONFIGURE, &config) == 0) return 0;
    if (errno != EINVAL) return -1;
    config.info.flags = LO_FLAGS_AUTOCLEAR; /* the file system below has none */
    return control(device, LOOP_CONFIGURE, &config);
}

int attach_loop(int file, const char *name, char device[LOOP_PATH_SIZE]) {
    int controller = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (controller < 0) fail("open loop devices", "/dev/loop-control");
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        long number = control(controller, LOOP_CTL_GET_FREE, NULL);
        if (number < 0) fail("get a loop device for", name);
        snprintf(device, LOOP_PATH_SIZE, "/dev/loop%ld", number);
        int fd = open(device, O_RDWR | O_CLOEXEC);
        if (fd < 0) fail("open loop device", device);
        if (configure(fd, file) == 0) {
            close(controller);
            return fd;
        }
        if (errno != EBUSY) fail("set up loop device", device);
        close(fd);
    }
    fail_because("get a loop device for", name, "others take them all");
}
