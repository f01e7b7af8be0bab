/*
 * fsb-launch boot: makes the files that an instance needs, mounts its root and executes its runtime.
 *
 * The mounts are made in a mount namespace of this process: the runtime takes its own copy along, and when the
 * instance ends they vanish with it, however it ends. The listening socket is handed on as descriptor 3, so that the
 * guest holds the channel and has no path to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "descriptors.h"
#include "disk.h"
#include "launch.h"
#include "path.h"
#include "prepare.h"

enum { CHANNEL_FD = 3, CHANNEL_BACKLOG = 16 };

struct boot {
    const char *layers;
    const char *bundle;
    const char *config;
    /* It goes on with the layers of an earlier instance. */
    bool again;
    /* Bytes that the guest may write; NULL: as many as there is room for. */
    const char *disk;
    struct file *etc;
    int etc_count;
    struct overlay *overlays;
    int overlay_count;
    char **program;
};

static size_t count(char **args) {
    size_t length = 0;
    while (args[length] != NULL) length++;
    return length;
}

static void *allocate(size_t number, size_t size) {
    void *memory = calloc(number + 1, size);
    if (memory == NULL) fail("allocate", "memory");
    return memory;
}

static struct overlay *last_overlay(struct boot *boot, const char *option) {
    if (boot->overlay_count == 0) fail_because("option", option, "belongs behind an --overlay");
    return &boot->overlays[boot->overlay_count - 1];
}

static void parse_option(struct boot *boot, char ***cursor, size_t room) {
    const char *name = **cursor;
    if (strcmp(name, "--again") == 0) {
        boot->again = true;
        return;
    }
    char *value = option_value(cursor);
    if (strcmp(name, "--layers") == 0) boot->layers = value;
    else if (strcmp(name, "--bundle") == 0) boot->bundle = value;
    else if (strcmp(name, "--config") == 0) boot->config = value;
    else if (strcmp(name, "--disk") == 0) boot->disk = value;
    else if (strcmp(name, "--etc") == 0) boot->etc[boot->etc_count++] = (struct file){value, option_value(cursor)};
    else if (strcmp(name, "--lower") == 0) {
        struct overlay *overlay = last_overlay(boot, name);
        overlay->lower[overlay->lower_count++] = value;
    } else if (strcmp(name, "--overlay") == 0) {
        struct overlay *overlay = &boot->overlays[boot->overlay_count++];
        overlay->target = value;
        overlay->lower = allocate(room, sizeof *overlay->lower);
    } else fail_because("option", name, "unknown");
}

static void check(const struct boot *boot) {
    if (boot->layers == NULL) fail_because("option", "--layers", "missing");
    if (boot->bundle == NULL) fail_because("option", "--bundle", "missing");
    if (boot->config == NULL) fail_because("option", "--config", "missing");
    if (boot->overlay_count == 0) fail_because("option", "--overlay", "missing");
    if (strcmp(boot->overlays[0].target, "/") != 0)
        fail_because("overlay", boot->overlays[0].target, "the first one must be on /");
    for (int i = 0; i < boot->overlay_count; i++)
        if (boot->overlays[i].lower_count == 0) fail_because("overlay", boot->overlays[i].target, "needs --lower");
    if (boot->program == NULL || boot->program[0] == NULL) fail_because("program", "--", "missing");
}

static struct boot parse(char **args) {
    size_t room = count(args);
    struct boot boot = {
        .overlays = allocate(room, sizeof *boot.overlays),
        .etc = allocate(room, sizeof *boot.etc),
    };
    for (char **cursor = args; *cursor != NULL; cursor++) {
        if (strcmp(*cursor, "--") == 0) {
            boot.program = cursor + 1;
            break;
        }
        parse_option(&boot, &cursor, room);
    }
    check(&boot);
    return boot;
}

/* Whatever the core forgot to mark close-on-exec must not reach an instance. */
static void close_inherited(void) {
    int fd;
    do fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd < CHANNEL_FD);
    if (fd < 0) fail("open", "/dev/null");
    close_from(CHANNEL_FD);
}

/* The first descriptor that is opened after close_inherited(), and the only one that stays open across exec. */
static void listen_on(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail("bind socket", path);
    }
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd != CHANNEL_FD) fail("create socket", path);
    mode_t previous = umask(0177);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("bind socket", path);
    umask(previous);
    if (listen(fd, CHANNEL_BACKLOG) != 0) fail("listen on socket", path);
}

/* Unmounts on the node still reach us (slave), nothing of ours reaches the node. */
static void enter_private_mounts(void) {
    if (unshare(CLONE_NEWNS) != 0) fail("create", "mount namespace");
    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) fail("make private", "mount namespace");
}

/* The runtime passes its stdio on to PID 1, which must hold nothing of the node; errors come by the runtime's log. */
static void execute(char **program) {
    int report = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, CHANNEL_FD + 1);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) fail("open", "/dev/null");
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (dup2(null, fd) < 0) fail("redirect", "stdio");
    execv(program[0], program);
    int reason = errno;
    if (report >= 0) dup2(report, STDERR_FILENO);
    errno = reason;
    fail("execute", program[0]);
}

/* Where the writable layers are to be. */
static const char *layers_of(const struct boot *boot) {
    if (!boot->again) make_directory(boot->layers, 0700);
    if (boot->disk == NULL) return boot->layers;
    if (!boot->again) make_disk(boot->layers, boot->disk);
    return mount_disk(boot->layers);
}

/* Layers before bundle: whoever finds a bundle finds whose it is. */
static void prepare(const struct boot *boot) {
    refuse_existing(boot->again ? NULL : boot->layers, boot->bundle);
    /* New ones in their place would be taken for them: all that was written would be lost, and nobody told. */
    struct stat earlier;
    if (boot->again && lstat(boot->layers, &earlier) != 0) fail("take up layers", boot->layers);
    make_layers(layers_of(boot), boot->again, boot->overlays, boot->overlay_count);
    /* A guest may have put a symbolic link in its place: what was written there the first time has to do. */
    if (!boot->again) write_etc(&boot->overlays[0], boot->etc, boot->etc_count);
    make_bundle(boot->bundle, boot->config);
}

int boot_main(char **args) {
    struct boot boot = parse(args);
    enter_private_mounts();
    prepare(&boot);
    close_inherited();
    listen_on(join(boot.bundle, "guest.sock"));
    const char *rootfs = join(boot.bundle, "rootfs");
    for (int i = 0; i < boot.overlay_count; i++) mount_overlay(rootfs, &boot.overlays[i]);
    execute(boot.program);
    return EXIT_FAILED;
}
