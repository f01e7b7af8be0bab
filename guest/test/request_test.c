/* Requests of the core, whole, cut anywhere, and garbage: under the sanitizers, so that reading too far ends it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

enum { ROUNDS = 200000, LONGEST = 64 };

static int passed, failed;

static void check(int good, const char *what) {
    if (good) passed++;
    else failed++, printf("failed: %s\n", what);
}

/* Always in memory of its exact size. */
static long decode(const char *data, size_t length, struct request *request) {
    char *copy = malloc(length + 1);
    if (copy == NULL) abort();
    char *exact = copy + 1; /* also not aligned */
    memcpy(exact, data, length);
    long taken = request_decode(exact, length, request);
    if (taken > 0 && request->kind == REQUEST_START) {
        const char *word = request->words;
        for (size_t i = 0; i < request->word_count; i++) word += strlen(word) + 1;
        if (word != exact + taken) abort();
    }
    free(copy);
    return taken;
}

static void whole_and_cut(void) {
    const char start[] = "\x0d\0\0\0\x07\0\0\0\x01\x01run\0ls";
    struct request request;
    check(decode(start, sizeof start, &request) == sizeof start, "a whole start");
    check(request.id == 7 && request.flags == FLAG_LOW_PRIORITY && request.word_count == 2, "its fields");
    for (size_t cut = 0; cut < sizeof start; cut++) check(decode(start, cut, &request) == 0, "a cut start");
    const char stop[] = {5, 0, 0, 0, 1, 0, 0, 0, REQUEST_KILL, 5};
    check(decode(stop, sizeof stop, &request) == 9 && request.kind == REQUEST_KILL, "a kill, and more behind it");
}

static void random_bytes(void) {
    srandom(1);
    long accepted = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char data[LONGEST];
        size_t length = (size_t)random() % LONGEST;
        for (size_t i = 0; i < length; i++) data[i] = (char)(random() % 4 == 0 ? random() : 0);
        /* Mostly a length that could be, and a kind that there is: the rest would hardly be reached otherwise. */
        if (length > 8 && random() % 8 != 0) {
            data[0] = (char)(random() % LONGEST);
            data[1] = data[2] = data[3] = 0;
            data[8] = (char)(random() % 5);
        }
        struct request request;
        long taken = decode(data, length, &request);
        if (taken < -1 || taken > (long)length) check(0, "it takes what is not there");
        accepted += taken > 0;
    }
    check(accepted > 1000, "some of the garbage is in order");
}

int main(void) {
    whole_and_cut();
    random_bytes();
    printf("requests: %d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
