#include "links.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 256 };

struct link_seen {
  struct link_seen *next;
  dev_t device;
  ino_t inode;
  char name[];
};

static size_t bucket_of(const struct links *links, dev_t device, ino_t inode) {
  uint64_t mixed = ((uint64_t)inode ^ (uint64_t)device << 32) * UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(mixed >> 32) & (links->size - 1);
}

/* Twice the buckets. Without memory it stays as it is, and slower. */
static bool grow(struct links *links) {
  size_t size = links->size == 0 ? SMALLEST : 2 * links->size;
  struct link_seen **buckets = calloc(size, sizeof *buckets);
  if (buckets == NULL) return links->size > 0;
  struct links larger = {buckets, size, links->count};
  for (size_t i = 0; i < links->size; i++) {
    while (links->buckets[i] != NULL) {
      struct link_seen *seen = links->buckets[i];
      links->buckets[i] = seen->next;
      size_t at = bucket_of(&larger, seen->device, seen->inode);
      seen->next = buckets[at];
      buckets[at] = seen;
    }
  }
  free(links->buckets);
  *links = larger;
  return true;
}

const char *links_first(struct links *links, const struct stat *status, const char *name) {
  /* Not to know one is no error: it is copied twice. */
  if (links->count >= links->size && !grow(links)) return NULL;
  size_t at = bucket_of(links, status->st_dev, status->st_ino);
  for (struct link_seen *seen = links->buckets[at]; seen != NULL; seen = seen->next) {
    if (seen->inode == status->st_ino && seen->device == status->st_dev) return seen->name;
  }
  struct link_seen *seen = malloc(sizeof *seen + strlen(name) + 1);
  if (seen == NULL) return NULL;
  seen->device = status->st_dev;
  seen->inode = status->st_ino;
  strcpy(seen->name, name);
  seen->next = links->buckets[at];
  links->buckets[at] = seen;
  links->count++;
  return NULL;
}
