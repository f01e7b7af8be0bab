#include "tree.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>

#include "launch.h"

enum { OPEN_DIRECTORIES = 16 };

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where) {
    (void)status, (void)type, (void)where;
    if (remove(path) != 0 && errno != ENOENT) fail("remove", path);
    return 0;
}

void remove_tree(const char *path) {
    if (nftw(path, remove_entry, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT)
        fail("remove", path);
}
