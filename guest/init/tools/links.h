/* Which files were seen before, by another name. */
#ifndef FSB_LINKS_H
#define FSB_LINKS_H

#include <stddef.h>
#include <sys/stat.h>

struct links {
  struct link_seen **buckets;
  size_t size;
  size_t count;
};

/* The name by which the file was seen first; NULL: it was not, and is now known by this one. */
const char *links_first(struct links *links, const struct stat *status, const char *name);

#endif
