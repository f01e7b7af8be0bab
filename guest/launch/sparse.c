#include "sparse.h"

#include <errno.h>
#include <unistd.h>

#include "launch.h"

enum { CHUNK = 64 * 1024 };

static void copy_range(int from, int to, off_t begin, off_t end, const char *path) {
    static char chunk[CHUNK];
    while (begin < end) {
        size_t most = end - begin < CHUNK ? (size_t)(end - begin) : CHUNK;
        ssize_t length = pread(from, chunk, most, begin);
        if (length <= 0) fail("read for", path);
        for (ssize_t done = 0; done < length;) {
            ssize_t written = pwrite(to, chunk + done, (size_t)(length - done), begin + done);
            if (written < 0) fail("write file", path);
            done += written;
        }
        begin += length;
    }
}

void copy_sparse(int from, int to, off_t size, const char *path) {
    if (ftruncate(to, size) != 0) fail("make file", path);
    for (off_t end = 0;;) {
        off_t begin = lseek(from, end, SEEK_DATA);
        if (begin < 0 && errno == ENXIO) return;
        end = begin < 0 ? -1 : lseek(from, begin, SEEK_HOLE);
        if (end < 0) fail("read for", path);
        copy_range(from, to, begin, end, path);
    }
}
