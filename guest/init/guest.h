/* Everything that fsb-init knows: one struct, made in main.c and handed down. */
#ifndef FSB_GUEST_H
#define FSB_GUEST_H

#include <sys/resource.h>

#include "channel.h"
#include "listener.h"
#include "loop.h"
#include "process.h"

struct guest {
  struct loop loop;
  struct listener listener;
  struct channel channel;
  struct table table;
  struct watch signals;
  struct rlimit open_files; /* the limit that children get; our own is raised */
  int dev_null;             /* for children; kept, because its path is in the guest's hands */
  int terminals;            /* the directory /dev/pts, for the same reason; -1: there was none */
  uint64_t trim_at;         /* 0: no memory to give back */
  uint8_t *scratch;         /* for output that nobody wants */
  size_t scratch_touched;
};

enum { SCRATCH_SIZE = 65536 };

#endif
