#include "attributes.h"

#include <string.h>
#include <sys/xattr.h>

static bool is_kept(const char *name) {
  return strncmp(name, "user.", strlen("user.")) == 0 || strcmp(name, "security.capability") == 0;
}

void attributes_take(struct tar_writer *writer, int fd) {
  static char names[TAR_ATTRIBUTE_VALUE_MOST];
  static char value[TAR_ATTRIBUTE_VALUE_MOST];
  ssize_t length = flistxattr(fd, names, sizeof names);
  for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
    const char *name = names + at;
    if (!is_kept(name)) continue;
    ssize_t size = fgetxattr(fd, name, value, sizeof value);
    if (size >= 0) tar_writer_attribute(writer, name, value, (size_t)size);
  }
}

void attributes_put(const struct tar_reader *reader, int fd) {
  size_t at = 0;
  struct pax_record record;
  while (tar_reader_attribute(reader, &at, &record)) {
    if (is_kept(record.key)) fsetxattr(fd, record.key, record.value, record.length, 0);
  }
}
