/* What `fsb-launch mark` reads, for libFuzzer: one mark behind the other, as mark.c takes them. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static bool leads_out(const char *path) {
    size_t length = strlen(path);
    return path[0] == '/' || strcmp(path, "..") == 0 || strncmp(path, "../", 3) == 0 || strstr(path, "/../") != NULL ||
           (length >= 3 && strcmp(path + length - 3, "/..") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    /* What the mark before has left in it must not matter. */
    static struct mark mark;
    for (size_t at = 0; at < length;) {
        long taken = mark_decode((const char *)data + at, length - at, &mark);
        if (taken <= 0) break;
        if ((size_t)taken > length - at) abort();
        if (mark.value + mark.value_length != (const char *)data + at + taken) abort();
        if (strlen(mark.path) > MARK_LONGEST_PATH || strlen(mark.name) > MARK_LONGEST_NAME) abort();
        if (leads_out(mark.path)) abort();
        at += (size_t)taken;
    }
    return 0;
}
