/* Files with holes. */
#ifndef FSB_SPARSE_H
#define FSB_SPARSE_H

#include <sys/types.h>

/* Makes the empty file `to` what the first `size` bytes of `from` are: only what is no hole there is written. `path` is its
 * name in errors. */
void copy_sparse(int from, int to, off_t size, const char *path);

#endif
