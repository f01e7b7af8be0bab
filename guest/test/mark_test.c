/* Marks, whole, cut anywhere, wrong, and garbage: under the sanitizers, so that reading too far ends it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mark.h"

enum { ROUNDS = 200000, LONGEST = 96 };

static int passed, failed;

static void check(int good, const char *what) {
    if (good) passed++;
    else failed++, printf("failed: %s\n", what);
}

/* Always in memory of its exact size. */
static long decode(const char *data, size_t length, struct mark *mark) {
    char *copy = malloc(length + 1);
    if (copy == NULL) abort();
    char *exact = copy + 1; /* also not aligned */
    memcpy(exact, data, length);
    long taken = mark_decode(exact, length, mark);
    if (taken > 0 && mark->value + mark->value_length != exact + taken) abort();
    if (taken > 0 && (strlen(mark->path) > MARK_LONGEST_PATH || strlen(mark->name) > MARK_LONGEST_NAME)) abort();
    free(copy);
    return taken;
}

static size_t put_number(char *to, uint64_t number, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) to[i] = (char)(number >> (8 * i) & 0xff);
    return bytes;
}

static size_t put_text(char *to, const char *text, size_t bytes) {
    size_t at = put_number(to, strlen(text), bytes);
    memcpy(to + at, text, strlen(text));
    return at + strlen(text);
}

struct given {
    int kind;
    uint32_t mode, major, minor;
    int64_t seconds;
    uint32_t nanoseconds;
    const char *path, *name, *value;
};

static size_t encode(char *to, struct given it) {
    size_t at = 4 + put_number(to + 4, (uint64_t)it.kind, 1);
    const uint64_t numbers[] = {it.mode, it.major, it.minor, 0, 0};
    for (size_t i = 0; i < 5; i++) at += put_number(to + at, numbers[i], 4);
    at += put_number(to + at, (uint64_t)it.seconds, 8);
    at += put_number(to + at, it.nanoseconds, 4);
    at += put_text(to + at, it.path == NULL ? "" : it.path, 2);
    at += put_text(to + at, it.name == NULL ? "" : it.name, 1);
    if (it.value != NULL) {
        memcpy(to + at, it.value, strlen(it.value));
        at += strlen(it.value);
    }
    put_number(to, at - 4, 4);
    return at;
}

static void is_accepted(struct given it, const char *what) {
    char data[MARK_LONGEST];
    struct mark mark;
    size_t length = encode(data, it);
    check(decode(data, length, &mark) == (long)length, what);
    for (size_t cut = 0; cut < length; cut++) check(decode(data, cut, &mark) == 0, "a cut mark");
}

static void is_refused(struct given it, const char *what) {
    char data[2 * MARK_LONGEST];
    struct mark mark;
    check(decode(data, encode(data, it), &mark) == -1, what);
}

static void right_ones(void) {
    is_accepted((struct given){.kind = MARK_END}, "the end");
    is_accepted((struct given){.kind = MARK_WHITEOUT, .path = "a/b..c/.d"}, "a whiteout");
    is_accepted((struct given){.kind = MARK_OPAQUE, .path = "."}, "an opaque root");
    is_accepted((struct given){.kind = MARK_NODE, .path = "n", .mode = S_IFCHR | 0600, .major = 1}, "a device");
    is_accepted((struct given){.kind = MARK_NODE, .path = "n", .mode = S_IFIFO | 0600}, "a FIFO");
    is_accepted((struct given){.kind = MARK_ATTRIBUTE, .path = "f", .name = "user.a", .value = "v"}, "an attribute");
    is_accepted((struct given){.kind = MARK_NODE, .path = "n", .mode = S_IFIFO, .seconds = -1, .nanoseconds = 999999},
                "a time");
}

static void wrong_ones(void) {
    const char *paths[] = {"", "/", "/a", "a/", "a//b", "..", "a/..", "../a", "./a", "a/.", "a/../b"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        is_refused((struct given){.kind = MARK_OPAQUE, .path = paths[i]}, paths[i]);
    is_refused((struct given){.kind = MARK_WHITEOUT, .path = "."}, "a whiteout of the root");
    is_refused((struct given){.kind = MARK_END, .path = "a"}, "an end with a path");
    is_refused((struct given){.kind = 5, .path = "a"}, "an unknown kind");
    is_refused((struct given){.kind = MARK_NODE, .path = "n", .mode = S_IFCHR}, "a device that is a whiteout");
    is_refused((struct given){.kind = MARK_NODE, .path = "n", .mode = S_IFREG}, "a node that is a file");
    is_refused((struct given){.kind = MARK_NODE, .path = "n", .mode = S_IFIFO | 1 << 16}, "a mode of more bits");
    is_refused((struct given){.kind = MARK_ATTRIBUTE, .path = "f"}, "an attribute without a name");
    is_refused((struct given){.kind = MARK_ATTRIBUTE, .path = "f", .name = "trusted.overlay.opaque", .value = "y"},
               "an attribute for overlayfs");
    is_refused((struct given){.kind = MARK_NODE, .path = "n", .mode = S_IFIFO, .nanoseconds = 1000000000},
               "too many nanoseconds");
    is_refused((struct given){.kind = MARK_OPAQUE, .path = "f", .value = "v"}, "a value for nothing");
    char longest[MARK_LONGEST_PATH + 2];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    is_refused((struct given){.kind = MARK_OPAQUE, .path = longest}, "a path that is too long");
    char data[LONGEST];
    struct mark mark;
    size_t length = encode(data, (struct given){.kind = MARK_OPAQUE, .path = "abc"});
    data[length - 3] = '\0';
    check(decode(data, length, &mark) == -1, "a zero byte in a path");
}

static void random_bytes(void) {
    srandom(1);
    long accepted = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char data[LONGEST];
        size_t length = encode(data, (struct given){.kind = (int)(random() % 5), .path = "a/b", .name = "user.n"});
        for (long i = random() % 4; i > 0; i--) data[(size_t)random() % length] = (char)random();
        if (random() % 2 == 0) put_number(data, length - 4, 4);
        struct mark mark;
        long taken = decode(data, length, &mark);
        if (taken < -1 || taken > (long)length) check(0, "it takes what is not there");
        accepted += taken > 0;
    }
    check(accepted > 1000, "some of the garbage is in order");
}

int main(void) {
    right_ones();
    wrong_ones();
    random_bytes();
    printf("marks: %d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
