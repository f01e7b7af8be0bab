#include "outgoing.h"

#include <string.h>

#include "guest.h"

void outgoing_list_processes(struct guest *guest, uint16_t version) {
  struct channel *channel = &guest->channel;
  channel_commit(channel, frame_welcome(channel_reserve(channel), version));
  for (struct process *process = guest->table.first; process != NULL; process = process->next) {
    if (process->id == 0) continue;
    struct process_report report;
    process_report(process, &report);
    channel_commit(channel, frame_process(channel_reserve(channel), process->id, &report));
  }
  channel_commit(channel, frame_ready(channel_reserve(channel)));
}

static bool send_output(struct channel *channel, struct output *output) {
  size_t length = output_sendable(output);
  if (length == 0) return false;
  uint8_t *at = channel_reserve(channel);
  size_t header = frame_output_header(at, output->process->id, output->stream, output->sent, length);
  struct iovec pieces[2];
  int count = ring_pieces(&output->ring, (size_t)(output->sent - output->base), length, pieces);
  uint8_t *data = at + header;
  for (int i = 0; i < count; i++) {
    memcpy(data, pieces[i].iov_base, pieces[i].iov_len);
    data += pieces[i].iov_len;
  }
  channel_commit(channel, header + length);
  output->sent += length;
  return true;
}

static bool everything_sent(const struct process *process) {
  for (int i = 0; i < 2; i++) {
    if (process->output[i].sent < process->output[i].total && output_sendable(&process->output[i]) > 0) return false;
  }
  return true;
}

static void tell_spawned(struct channel *channel, struct process *process) {
  uint64_t times[SPAWN_STEPS];
  bool timed = stopwatch_read(process->stopwatch, times);
  stopwatch_free(&process->stopwatch);
  channel_commit(channel, frame_spawned(channel_reserve(channel), process->id, process->pid, timed ? times : NULL));
  process->tell_spawned = false;
}

static bool tell_events(struct channel *channel, struct process *process) {
  bool told = false;
  if (process->tell_spawned) {
    tell_spawned(channel, process);
    told = true;
  }
  /* Nothing of it reaches the core before it knows that the process runs. */
  if (process->state == PROCESS_STARTING) return told;
  if (process->input.tell_ack) {
    uint64_t offset = input_written(&process->input);
    channel_commit(channel, frame_input_ack(channel_reserve(channel), process->id, offset));
    process->input.tell_ack = false;
    told = true;
  }
  if (process->input.tell_closed) {
    channel_commit(channel, frame_input_closed(channel_reserve(channel), process->id));
    process->input.tell_closed = false;
    told = true;
  }
  return told;
}

static bool tell_exit(struct channel *channel, struct process *process) {
  if (!process->tell_exit || !everything_sent(process)) return false;
  channel_commit(channel, frame_exit(channel_reserve(channel), process->id, &process->exit));
  process->tell_exit = false;
  process->exit_sent = process->exit_told = true;
  return true;
}

static void tell_failure(struct channel *channel, struct process *process) {
  const struct failure *failure = process->failure;
  size_t size = frame_spawn_failed(channel_reserve(channel), process->id, (uint8_t)failure->stage, failure->error,
                                   failure->message);
  channel_commit(channel, size);
  process_bury(process);
}

static bool fill_from(struct channel *channel, struct process *process) {
  if (process->state == PROCESS_FAILED) {
    tell_failure(channel, process);
    return true;
  }
  if (!process->attached) return false;
  bool told = tell_events(channel, process);
  if (process->state == PROCESS_STARTING) return told;
  told = send_output(channel, &process->output[0]) || told;
  /* Two large frames could be more than there is room for. */
  if (channel->out_end - channel->out_start < OUT_FULL) told = send_output(channel, &process->output[1]) || told;
  return tell_exit(channel, process) || told;
}

bool outgoing_fill(struct guest *guest) {
  struct channel *channel = &guest->channel;
  bool told = false;
  size_t turns = guest->table.count;
  for (; turns > 0; turns--) {
    if (channel->out_end - channel->out_start >= OUT_FULL / 2) return true;
    struct process *process = channel->cursor != NULL ? channel->cursor : guest->table.first;
    if (process == NULL) break;
    channel->cursor = process->next;
    told = fill_from(channel, process) || told;
  }
  return told;
}

static void detach(struct process *process) {
  process->attached = false;
  process->tell_spawned = false;
  stopwatch_free(&process->stopwatch);
  process->tell_exit = process->exit_sent = false;
  process->input.tell_ack = false;
  process->input.tell_closed = false;
  output_rewind(&process->output[0]);
  output_rewind(&process->output[1]);
}

void outgoing_detach(struct guest *guest) {
  struct process *next;
  for (struct process *process = guest->table.first; process != NULL; process = next) {
    next = process->next;
    detach(process);
    if (process->state == PROCESS_FAILED) process_bury(process);
  }
}
