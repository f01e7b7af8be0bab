/* Chooses what is sent next: what happened to processes, and their output, in turns. */
#ifndef FSB_OUTGOING_H
#define FSB_OUTGOING_H

#include <stdbool.h>
#include <stdint.h>

struct guest;

/* From this many queued bytes on nothing more is added. */
enum { OUT_FULL = 128 * 1024 };

/* WELCOME, with the version that is spoken, a PROCESS for each process, READY. */
void outgoing_list_processes(struct guest *guest, uint16_t version);

/* Queues what there is to tell, at most one frame of each stream. Returns whether anything was queued. */
bool outgoing_fill(struct guest *guest);

/* The connection is gone: nothing is told before it is asked for again. */
void outgoing_detach(struct guest *guest);

#endif
