/* The tar format: ustar, with pax headers for what it has no room for. Read are GNU's long names and numbers as well. */
#ifndef FSB_TAR_H
#define FSB_TAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum { TAR_BLOCK = 512, TAR_NAME_MOST = 4095, TAR_EXTENSION_MOST = 1024 * 1024, TAR_PREFIX_MOST = 155 };
enum { TAR_ATTRIBUTE_NAME_MOST = 255, TAR_ATTRIBUTE_VALUE_MOST = 65536 };

/* A header as it is in the file; every field is text. */
struct tar_header {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char target[100];
  char magic[6];
  char version[2];
  char user[32];
  char group[32];
  char major[8];
  char minor[8];
  char prefix[TAR_PREFIX_MOST];
  char rest[12];
};

_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is a block");

enum tar_type {
  TAR_FILE = '0',
  TAR_LINK = '1',
  TAR_SYMLINK = '2',
  TAR_CHARACTER_DEVICE = '3',
  TAR_BLOCK_DEVICE = '4',
  TAR_DIRECTORY = '5',
  TAR_FIFO = '6',
};

struct tar_entry {
  char type;
  char name[TAR_NAME_MOST + 1];
  char target[TAR_NAME_MOST + 1]; /* of links */
  mode_t mode;                    /* permission bits with setuid, setgid, sticky */
  uint32_t uid;
  uint32_t gid;
  uint64_t size; /* of what follows; 0 for all but files */
  struct timespec mtime;
};

/* The sum of the bytes of a header, its own field taken as blanks. */
unsigned tar_checksum(const struct tar_header *header);

#endif
