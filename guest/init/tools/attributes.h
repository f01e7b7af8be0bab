/* Extended attributes of files: those of programs and people, and file capabilities. */
#ifndef FSB_ATTRIBUTES_H
#define FSB_ATTRIBUTES_H

#include "tar_reader.h"
#include "tar_writer.h"

/* Those of the file, for the next entry. */
void attributes_take(struct tar_writer *writer, int fd);

/* Those of the entry, as far as the file system takes them. */
void attributes_put(const struct tar_reader *reader, int fd);

#endif
