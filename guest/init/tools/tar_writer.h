/* Writes a tar to standard output. */
#ifndef FSB_TAR_WRITER_H
#define FSB_TAR_WRITER_H

#include "tar.h"

enum { TAR_WRITER_BUFFER = 256 * 1024 };

struct tar_writer {
  char buffer[TAR_WRITER_BUFFER];
  size_t used;
  bool failed; /* nobody reads any more */
  /* Records for the next header. */
  char pax[TAR_EXTENSION_MOST];
  size_t pax_length;
};

/* An extended attribute of the next entry; left out where it has no room. */
void tar_writer_attribute(struct tar_writer *writer, const char *name, const void *value, size_t length);

/* The header; content of entry->size bytes must follow. */
void tar_writer_entry(struct tar_writer *writer, const struct tar_entry *entry);

/* Room for content: up to *room bytes may be put there, and tar_writer_wrote() says how many were. */
char *tar_writer_room(struct tar_writer *writer, size_t *room);
void tar_writer_wrote(struct tar_writer *writer, size_t length);

/* Fills up the last block of a content of this size. */
void tar_writer_fill(struct tar_writer *writer, uint64_t size);

/* The end of the tar. Returns false when not all of it could be written. */
bool tar_writer_end(struct tar_writer *writer);

#endif
