#include "dispatch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "guest.h"
#include "pty.h"
#include "reap.h"
#include "spawn.h"

static void refuse_spawn(struct guest *guest, uint32_t id, const struct failure *failure) {
  uint8_t *at = channel_reserve(&guest->channel);
  size_t size = frame_spawn_failed(at, id, (uint8_t)failure->stage, failure->error, failure->message);
  channel_commit(&guest->channel, size);
}

static enum error_code do_spawn(struct guest *guest, const struct core_frame *frame, const char **reason) {
  struct spawn_request request;
  struct failure failure = {STAGE_RESOURCES, ENOMEM, "no memory for the request"};
  switch (spawn_request_decode(frame->spawn, &request)) {
    case DECODED_MALFORMED:
      *reason = "malformed SPAWN";
      return ERROR_MALFORMED;
    case DECODED_NO_MEMORY:
      refuse_spawn(guest, frame->process, &failure);
      return ERROR_NONE;
    case DECODED:
      break;
  }
  if (!spawn(guest, frame->process, &request, &failure)) refuse_spawn(guest, frame->process, &failure);
  spawn_request_free(&request);
  return ERROR_NONE;
}

static void do_signal(struct guest *guest, const struct core_frame *frame) {
  int number = frame->signal.number;
  if (frame->signal.scope == SCOPE_ALL) {
    if (number == SIGKILL) {
      end_everything(guest);
    } else {
      kill(-1, number);
    }
    return;
  }
  const struct process *process = process_find(&guest->table, frame->process);
  if (process == NULL || process->reaped || process->pid <= 0) return;
  /* A child that is only just forked has no group of its own yet. */
  if (frame->signal.scope == SCOPE_GROUP && kill(-process->pid, number) == 0) return;
  kill(process->pid, number);
}

static enum error_code do_resume(struct process *process, const struct core_frame *frame, const char **reason) {
  *reason = "RESUME for a process that was not listed";
  if (process == NULL) return ERROR_UNKNOWN_PROCESS;
  *reason = "RESUME outside of what is retained";
  for (int i = 0; i < 2; i++) {
    if (!output_retains(&process->output[i], frame->resume[i])) return ERROR_OFFSET;
  }
  for (int i = 0; i < 2; i++) output_resume(&process->output[i], frame->resume[i]);
  process->attached = true;
  process->exit_sent = false;
  process->input.tell_ack = input_is_open(&process->input);
  process_exit_if_complete(process);
  return ERROR_NONE;
}

static enum error_code do_input(struct process *process, const struct core_frame *frame, const char **reason) {
  if (process == NULL) return ERROR_NONE;
  *reason = "stdin offset is not the number of bytes received";
  if (frame->type == FRAME_STDIN_EOF) return input_end(&process->input, frame->input_end);
  enum error_code code = input_data(&process->input, frame->input.offset, frame->input.data);
  if (code == ERROR_WINDOW) *reason = "STDIN beyond the input window";
  return code;
}

static enum error_code do_ack(struct process *process, const struct core_frame *frame, const char **reason) {
  if (process == NULL || !process->attached) return ERROR_NONE;
  *reason = "ACK beyond what was sent";
  return output_ack(&process->output[frame->ack.stream - 1], frame->ack.offset) ? ERROR_NONE : ERROR_OFFSET;
}

static void do_resize(const struct process *process, const struct core_frame *frame) {
  if (process == NULL || !process->tty || process->output[0].watch.fd < 0) return;
  pty_resize(process->output[0].watch.fd, frame->resize.rows, frame->resize.columns);
}

enum error_code dispatch(struct guest *guest, const struct core_frame *frame, const char **reason) {
  struct process *process = process_find(&guest->table, frame->process);
  switch (frame->type) {
    case FRAME_SPAWN:
      return do_spawn(guest, frame, reason);
    case FRAME_STDIN:
    case FRAME_STDIN_EOF:
      return do_input(process, frame, reason);
    case FRAME_ACK:
      return do_ack(process, frame, reason);
    case FRAME_SIGNAL:
      do_signal(guest, frame);
      return ERROR_NONE;
    case FRAME_RESIZE:
      do_resize(process, frame);
      return ERROR_NONE;
    case FRAME_EXIT_ACK:
      if (process != NULL && process->exit_told) process_forget(process);
      return ERROR_NONE;
    case FRAME_PING:
      channel_commit(&guest->channel, frame_pong(channel_reserve(&guest->channel), frame->ping));
      return ERROR_NONE;
    case FRAME_RESUME:
      return do_resume(process, frame, reason);
    default:
      *reason = "HELLO a second time";
      return ERROR_MALFORMED;
  }
}
