#include "late_times.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct late_time {
  struct late_time *next;
  struct timespec mtime;
  char path[];
};

bool late_times_add(struct late_time **times, const char *path, const struct timespec *mtime) {
  struct late_time *late = malloc(sizeof *late + strlen(path) + 1);
  if (late == NULL) return false;
  late->mtime = *mtime;
  strcpy(late->path, path);
  late->next = *times;
  *times = late;
  return true;
}

void late_times_put(struct late_time **times, struct tree *tree) {
  while (*times != NULL) {
    struct late_time *late = *times;
    *times = late->next;
    struct place place;
    const struct timespec values[2] = {{.tv_nsec = UTIME_OMIT}, late->mtime};
    if (place_find(tree, late->path, false, &place)) {
      utimensat(place.directory, place.name, values, AT_SYMLINK_NOFOLLOW);
    }
    free(late);
  }
}
