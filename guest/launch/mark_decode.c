#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "mark.h"

/* What is left to read of one mark. */
struct rest {
    const unsigned char *data;
    size_t length;
    bool broken;
};

static const unsigned char *take(struct rest *rest, size_t length) {
    if (rest->length < length) {
        rest->broken = true;
        return NULL;
    }
    const unsigned char *data = rest->data;
    rest->data += length;
    rest->length -= length;
    return data;
}

static uint64_t take_number(struct rest *rest, size_t bytes) {
    const unsigned char *data = take(rest, bytes);
    uint64_t number = 0;
    for (size_t i = 0; data != NULL && i < bytes; i++) number |= (uint64_t)data[i] << (8 * i);
    return number;
}

/* A zero byte within would cut it off. */
static void take_text(struct rest *rest, size_t length, size_t longest, char *text) {
    const unsigned char *data = take(rest, length);
    if (data == NULL) return;
    if (length > longest || memchr(data, 0, length) != NULL) {
        rest->broken = true;
        return;
    }
    memcpy(text, data, length);
    text[length] = '\0';
}

/* Only names below the root, each as short as it can be. */
static bool is_path(const char *path) {
    if (strcmp(path, ".") == 0) return true;
    for (;;) {
        size_t length = strcspn(path, "/");
        if (length == 0 || strncmp(path, ".", length) == 0 || (length == 2 && strncmp(path, "..", 2) == 0)) return false;
        if (path[length] == '\0') return true;
        path += length + 1;
    }
}

static bool is_numberless(const struct mark *mark) {
    return mark->mode == 0 && mark->major == 0 && mark->minor == 0 && mark->uid == 0 && mark->gid == 0;
}

static bool is_timeless(const struct mark *mark) { return mark->seconds == 0 && mark->nanoseconds == 0; }

static bool is_nameless(const struct mark *mark) { return mark->name[0] == '\0' && mark->value_length == 0; }

static bool is_node(const struct mark *mark) {
    uint32_t type = mark->mode & S_IFMT;
    if ((mark->mode & ~(uint32_t)(S_IFMT | 07777)) != 0) return false;
    /* An image must not hide anything in this way: 0/0 is a whiteout. */
    if (type == S_IFCHR) return mark->major != 0 || mark->minor != 0;
    return type == S_IFBLK || (type == S_IFIFO && mark->major == 0 && mark->minor == 0);
}

static bool starts_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

/* What means something to overlayfs is never an attribute of an image. */
static bool is_attribute(const char *name) {
    return name[0] != '\0' && !starts_with(name, "trusted.overlay.") && !starts_with(name, "user.overlay.");
}

static bool is_whole(const struct mark *mark) {
    bool is_root = strcmp(mark->path, ".") == 0;
    if (mark->nanoseconds > 999999999) return false;
    switch (mark->kind) {
    case MARK_END:
        return mark->path[0] == '\0' && is_numberless(mark) && is_timeless(mark) && is_nameless(mark);
    case MARK_WHITEOUT:
        return is_path(mark->path) && !is_root && is_numberless(mark) && is_timeless(mark) && is_nameless(mark);
    case MARK_OPAQUE:
        return is_path(mark->path) && is_numberless(mark) && is_timeless(mark) && is_nameless(mark);
    case MARK_NODE:
        return is_path(mark->path) && !is_root && is_node(mark) && is_nameless(mark);
    case MARK_ATTRIBUTE:
        return is_path(mark->path) && is_numberless(mark) && is_timeless(mark) && is_attribute(mark->name);
    default:
        return false;
    }
}

long mark_decode(const char *data, size_t length, struct mark *mark) {
    struct rest rest = {.data = (const unsigned char *)data, .length = length};
    if (length < 4) return 0;
    size_t size = (size_t)take_number(&rest, 4);
    if (size < MARK_NUMBERS + 2 + 1 || size > MARK_LONGEST) return -1;
    if (rest.length < size) return 0;
    rest.length = size;
    mark->kind = (enum mark_kind)take_number(&rest, 1);
    mark->mode = (uint32_t)take_number(&rest, 4);
    mark->major = (uint32_t)take_number(&rest, 4);
    mark->minor = (uint32_t)take_number(&rest, 4);
    mark->uid = (uint32_t)take_number(&rest, 4);
    mark->gid = (uint32_t)take_number(&rest, 4);
    mark->seconds = (int64_t)take_number(&rest, 8);
    mark->nanoseconds = (uint32_t)take_number(&rest, 4);
    take_text(&rest, (size_t)take_number(&rest, 2), MARK_LONGEST_PATH, mark->path);
    take_text(&rest, (size_t)take_number(&rest, 1), MARK_LONGEST_NAME, mark->name);
    if (rest.broken || rest.length > MARK_LONGEST_VALUE) return -1;
    mark->value = (const char *)rest.data;
    mark->value_length = rest.length;
    return is_whole(mark) ? (long)(4 + size) : -1;
}
