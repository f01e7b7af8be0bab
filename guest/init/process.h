/* The processes that the core asked for, and their table. */
#ifndef FSB_PROCESS_H
#define FSB_PROCESS_H

#include <sys/types.h>

#include "frame.h"
#include "input.h"
#include "loop.h"
#include "output.h"
#include "stopwatch.h"

struct guest;

enum { PROCESSES_MOST = 1024 };

enum process_state {
  PROCESS_STARTING, /* forked; whether it could execute is not known yet */
  PROCESS_RUNNING,
  PROCESS_FAILED, /* could not execute; stays until the core was told */
  PROCESS_EXITED,
};

enum spawn_stage { STAGE_REQUEST = 1, STAGE_RESOURCES, STAGE_USER, STAGE_DIRECTORY, STAGE_LIMITS, STAGE_EXECUTE };

/* Also what a child that cannot execute writes to its parent, in one piece. */
struct failure {
  int32_t stage;
  int32_t error;
  char message[FRAME_MESSAGE_LARGEST];
};

struct process {
  struct guest *guest;
  struct process *next;
  uint32_t id; /* 0: forgotten by the core, only its grandchildren's output is still drained */
  pid_t pid;
  enum process_state state;
  bool tty;
  bool attached; /* spawned or resumed on this connection */
  bool reaped;
  bool tell_spawned;
  bool tell_exit;
  bool exit_sent; /* on this connection */
  bool exit_told; /* on any connection */
  uint64_t hangup_deadline; /* 0: none */
  int terminal; /* a tty's slave side, held open so that hang-up is seen only after the process ended; else -1 */
  struct watch status; /* the pipe on which the child tells why it could not execute */
  struct failure *failure;
  struct stopwatch *stopwatch; /* NULL: nobody asks, or it was told */
  struct exit_report exit;
  struct input input;
  struct output output[2];
};

struct table {
  struct process *first;
  struct process *graveyard; /* freed between turns, because events of this turn may still point there */
  size_t count;
  size_t most;
};

/* NULL when the table is full or there is no memory. */
struct process *process_new(struct guest *guest, uint32_t id);

/* NULL when the core has no process of this id. */
struct process *process_find(const struct table *table, uint32_t id);
struct process *process_find_pid(const struct table *table, pid_t pid);

/* The core needs no more of it: it goes as soon as its output has no writer any more. */
void process_forget(struct process *process);

/* Drops a forgotten process when nothing of it is open. */
void process_bury_if_done(struct process *process);

/* Closes everything and takes it out of the table. */
void process_bury(struct process *process);

/* Frees what was buried. Only between turns of the loop. */
void table_free_buried(struct table *table);

/* Lets go of the tty's slave side, so that its hang-up can be seen. */
void process_release_terminal(struct process *process);

/* Sets tell_exit when the process has ended, its totals are known and the core listens. */
void process_exit_if_complete(struct process *process);

void process_report(const struct process *process, struct process_report *out);

#endif
