/* Starts processes: descriptors and the fork here, what happens in the child in child.c. */
#ifndef FSB_SPAWN_H
#define FSB_SPAWN_H

#include "process.h"
#include "spawn_request.h"

/* Starts the process or fills *failure. The outcome of its execution comes later, on its status pipe. */
bool spawn(struct guest *guest, uint32_t id, const struct spawn_request *request, struct failure *failure);

/* Reads the status pipe of a starting process and moves it on to running or failed. */
void spawn_settle(struct process *process);

#endif
