/* Reads a tar from a descriptor. Whatever it says is checked: it may come from anybody. */
#ifndef FSB_TAR_READER_H
#define FSB_TAR_READER_H

#include "pax.h"
#include "tar.h"

enum tar_next { TAR_ENTRY, TAR_END, TAR_BROKEN };

enum { TAR_READER_BUFFER = 128 * 1024 };

struct tar_reader {
  int fd;
  char buffer[TAR_READER_BUFFER];
  size_t start;
  size_t end;
  uint64_t left;    /* of the content */
  uint64_t filling; /* behind it, up to a whole block */
  const char *problem; /* of TAR_BROKEN */
  char *pax; /* the records before the entry, NULL: none */
  size_t pax_length;
  bool has_name; /* came in a header of its own (GNU) */
  bool has_target;
};

/* What is left of the content of the entry before is skipped. */
enum tar_next tar_reader_next(struct tar_reader *reader, struct tar_entry *entry);

/* The next bytes of the content. Returns how many, 0 at its end, -1 when the tar ends before. */
long tar_reader_content(struct tar_reader *reader, const char **data);

/* The extended attributes of the entry, one after the other; *at begins with 0. */
bool tar_reader_attribute(const struct tar_reader *reader, size_t *at, struct pax_record *out);

/* Reads up to the end, so that whoever writes is not cut off. */
void tar_reader_drain(struct tar_reader *reader);

#endif
