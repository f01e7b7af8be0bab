/*
 * What `fsb-launch mark` is told to put on an unpacked layer. No I/O.
 *
 * A mark, numbers little-endian, everything always there; what a kind does not use is zero or empty:
 *   u32 length of what follows, u8 kind, u32 mode, u32 major, u32 minor, u32 uid, u32 gid, i64 seconds,
 *   u32 nanoseconds, u16 length of the path, the path, u8 length of the name, the name, and the value: all the rest.
 * MARK_END is the last one: marks that end without it were cut off.
 */
#ifndef FSB_MARK_H
#define FSB_MARK_H

#include <stddef.h>
#include <stdint.h>

enum {
    MARK_NUMBERS = 1 + 5 * 4 + 8 + 4,
    MARK_LONGEST_PATH = 4095,
    /* What the kernel takes. */
    MARK_LONGEST_NAME = 255,
    MARK_LONGEST_VALUE = 64 * 1024,
    MARK_LONGEST = MARK_NUMBERS + 2 + MARK_LONGEST_PATH + 1 + MARK_LONGEST_NAME + MARK_LONGEST_VALUE,
};

enum mark_kind {
    MARK_END = 0,
    /* A character device 0/0 where nothing is: hides what lower layers have there. */
    MARK_WHITEOUT = 1,
    /* trusted.overlay.opaque: hides everything that lower layers have in the directory. */
    MARK_OPAQUE = 2,
    /* A device or a FIFO in the place of the file that is there. */
    MARK_NODE = 3,
    /* An extended attribute. One that the file cannot have, or the file system does not know, is left out. */
    MARK_ATTRIBUTE = 4,
};

struct mark {
    enum mark_kind kind;
    /* Type and permissions, as in stat. */
    uint32_t mode;
    uint32_t major;
    uint32_t minor;
    uint32_t uid;
    uint32_t gid;
    /* The time of the last change of content. */
    int64_t seconds;
    uint32_t nanoseconds;
    /* Below the root of the layer; "." is the root itself. */
    char path[MARK_LONGEST_PATH + 1];
    char name[MARK_LONGEST_NAME + 1];
    /* Points into what was decoded. */
    const char *value;
    size_t value_length;
};

/* Reads the mark that begins at `data`. Returns the bytes that it takes, 0 when there is more to come, -1 when it is
 * none. */
long mark_decode(const char *data, size_t length, struct mark *mark);

#endif
