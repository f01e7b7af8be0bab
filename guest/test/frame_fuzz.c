/* What fsb-init reads from the core, for libFuzzer: frames one behind the other, as channel.c takes them. Each lies in
 * memory of its own size, so that reading past its end is seen. */
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "spawn_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void require(bool good) {
  if (!good) abort();
}

static void check_inside(struct bytes bytes, const uint8_t *frame, size_t size) {
  require(bytes.data >= frame && bytes.data + bytes.length <= frame + size);
}

static void check_spawn(const struct core_frame *frame) {
  struct spawn_request request;
  if (spawn_request_decode(frame->spawn, &request) != DECODED) return;
  size_t texts = strlen(request.cwd) + strlen(request.user), count = 0;
  require(request.argv[0] != NULL);
  for (; request.argv[count] != NULL; count++) texts += strlen(request.argv[count]);
  for (count = 0; request.environment[count] != NULL; count++) {
    const char *equals = strchr(request.environment[count], '=');
    require(equals != NULL && equals != request.environment[count]);
    texts += strlen(request.environment[count]);
  }
  require(count == request.environment_count && texts <= frame->spawn.length);
  /* The room that child.c puts HOME and HOSTNAME into. */
  request.environment[count] = request.environment[count + 1] = request.user;
  require(request.environment[count + 2] == NULL);
  for (size_t i = 0; i < request.group_count; i++) texts += request.groups[i];
  for (size_t i = 0; i < request.limit_count; i++) texts += request.limits[i].resource;
  spawn_request_free(&request);
}

static void check_frame(const uint8_t *bytes, size_t size) {
  struct core_frame frame;
  const char *reason = NULL;
  if (frame_decode(bytes, &frame, &reason) != ERROR_NONE) {
    require(reason != NULL && reason[0] != 0);
    return;
  }
  if (frame.type == FRAME_HELLO) check_inside(frame.hello.secret, bytes, size);
  if (frame.type == FRAME_HELLO) require(frame.hello.secret.length <= SECRET_LARGEST && frame.process == 0);
  if (frame.type == FRAME_STDIN) check_inside(frame.input.data, bytes, size);
  if (frame.type == FRAME_STDIN) require(frame.input.data.length >= 1 && frame.input.data.length <= FRAME_DATA_LARGEST);
  if (frame.type == FRAME_ACK) require(frame.ack.stream == 1 || frame.ack.stream == 2);
  if (frame.type == FRAME_SIGNAL) require(frame.signal.number >= 1 && frame.signal.number <= 64);
  if (frame.type == FRAME_SPAWN) check_spawn(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
  while (length >= FRAME_HEADER) {
    uint32_t said = 0;
    for (int i = FRAME_LENGTH_BYTES; i-- > 0;) said = said << 8 | data[i];
    if (frame_check_length(said) != ERROR_NONE || said > length - FRAME_LENGTH_BYTES) return 0;
    size_t size = FRAME_LENGTH_BYTES + (size_t)said;
    uint8_t *copy = malloc(size);
    require(copy != NULL);
    memcpy(copy, data, size);
    check_frame(copy, size);
    free(copy);
    data += size;
    length -= size;
  }
  return 0;
}
