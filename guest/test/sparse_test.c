/* Files with holes anywhere, copied: the same bytes, and no more room taken. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch.h"
#include "sparse.h"

enum { ROUNDS = 200, PAGE = 4096, PAGES = 64, SIZE = PAGE * PAGES + 17 };

static int passed, failed;

void fail(const char *step, const char *path) { printf("failed to %s %s\n", step, path), exit(1); }

static void check(int good, const char *what) {
    if (good) passed++;
    else failed++, printf("failed: %s\n", what);
}

static int empty_file(void) {
    char name[] = "/tmp/sparse-test-XXXXXX";
    int fd = mkstemp(name);
    if (fd < 0 || unlink(name) != 0) fail("make", name);
    return fd;
}

static void read_whole(int fd, char bytes[SIZE + 1]) {
    memset(bytes, 0, SIZE + 1);
    if (pread(fd, bytes, SIZE + 1, 0) != SIZE) fail("read", "all of it");
}

static long blocks_of(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0) fail("look at", "a file");
    return (long)status.st_blocks;
}

/* Each page is a hole or not; `share` of 8 are none. */
static void copied(int share) {
    static char wanted[SIZE + 1], found[SIZE + 1];
    int from = empty_file();
    int to = empty_file();
    if (ftruncate(from, SIZE) != 0) fail("make", "a hole");
    for (int page = 0; page < PAGES; page++)
        if (rand() % 8 < share && pwrite(from, "data", 4, page * PAGE + rand() % (PAGE - 4)) != 4) fail("write", "data");
    copy_sparse(from, to, SIZE, "a file");
    read_whole(from, wanted);
    read_whole(to, found);
    check(memcmp(wanted, found, SIZE) == 0, "the same bytes");
    check(blocks_of(to) <= blocks_of(from), "no more room");
    close(from);
    close(to);
}

int main(void) {
    srand(1);
    for (int round = 0; round < ROUNDS; round++) copied(round % 9);
    printf("sparse: %d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
