#include "process.h"

#include <stdlib.h>
#include <unistd.h>

#include "guest.h"

struct process *process_new(struct guest *guest, uint32_t id) {
  struct table *table = &guest->table;
  if (table->count >= table->most) return NULL;
  struct process *process = calloc(1, sizeof *process);
  if (process == NULL) return NULL;
  process->guest = guest;
  process->id = id;
  process->state = PROCESS_STARTING;
  process->terminal = -1;
  watch_init(&process->status, -1, NULL);
  input_init(&process->input, process);
  output_init(&process->output[0], process, 1);
  output_init(&process->output[1], process, 2);
  process->next = table->first;
  table->first = process;
  table->count++;
  return process;
}

struct process *process_find(const struct table *table, uint32_t id) {
  struct process *process = table->first;
  while (process != NULL && (process->id != id || process->id == 0)) process = process->next;
  return process;
}

struct process *process_find_pid(const struct table *table, pid_t pid) {
  struct process *process = table->first;
  /* A number is only ours until it is reaped: then it may belong to another. */
  while (process != NULL && (process->pid != pid || process->reaped)) process = process->next;
  return process;
}

void process_forget(struct process *process) {
  process->id = 0;
  process->attached = false;
  output_abandon(&process->output[0]);
  output_abandon(&process->output[1]);
  process_bury_if_done(process);
}

void process_bury_if_done(struct process *process) {
  if (process->id != 0 || output_is_open(&process->output[0]) || output_is_open(&process->output[1])) return;
  process_bury(process);
}

void process_bury(struct process *process) {
  struct table *table = &process->guest->table;
  struct process **link = &table->first;
  while (*link != NULL && *link != process) link = &(*link)->next;
  if (*link == NULL) return;
  *link = process->next;
  table->count--;
  channel_skip(&process->guest->channel, process);
  watch_close(&process->guest->loop, &process->status);
  input_close(&process->input);
  output_close(&process->output[0]);
  output_close(&process->output[1]);
  process_release_terminal(process);
  free(process->failure);
  process->failure = NULL;
  stopwatch_free(&process->stopwatch);
  process->next = table->graveyard;
  table->graveyard = process;
}

void table_free_buried(struct table *table) {
  while (table->graveyard != NULL) {
    struct process *process = table->graveyard;
    table->graveyard = process->next;
    free(process);
  }
}

void process_release_terminal(struct process *process) {
  if (process->terminal >= 0) close(process->terminal);
  process->terminal = -1;
}

void process_exit_if_complete(struct process *process) {
  if (process->state != PROCESS_EXITED || !process->attached || process->exit_sent) return;
  for (int i = 0; i < 2; i++) {
    if (!output_total_is_known(&process->output[i])) return;
    process->exit.total[i] = process->output[i].total;
  }
  process->tell_exit = true;
}

void process_report(const struct process *process, struct process_report *out) {
  *out = (struct process_report){
      .exited = process->state == PROCESS_EXITED,
      .tty = process->tty,
      .input_open = input_is_open(&process->input),
      .pid = process->pid,
      .input_received = process->input.received,
  };
  for (int i = 0; i < 2; i++) {
    out->first[i] = process->output[i].base;
    out->produced[i] = output_produced(&process->output[i]);
  }
}
