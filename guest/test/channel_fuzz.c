/* The whole of fsb-init between its socket and its children, for libFuzzer: what a core sends, in any order and cut
 * anywhere, and what children do meanwhile. fork(), kill() and wait4() are the ones below, so that there are no
 * processes: a child is the ends of its pipes, and an input says step by step what it does with them. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "guest.h"
#include "outgoing.h"
#include "pty.h"
#include "reader.h"
#include "reap.h"
#include "system.h"

enum { PROCESSES = 5, CHILDREN = 3 * PROCESSES, IDS = 5, FIRST_PID = 100, FROM_GUEST_LONGEST = 128 * 1024, PEER_SIZE = 512 * 1024 };
enum step { CONNECT, RAW, FRAME, WRITE, EXECUTED, EXIT, INPUT, LISTEN, HANG_UP, GIVE_UP, STEPS };

struct child {
  pid_t pid; /* even on a tty; 0: none */
  struct child_files files;
  uint64_t written[2];
  bool exited, reaped;
  int status;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);
pid_t fuzz_fork(void);
int fuzz_kill(pid_t pid, int number);
pid_t fuzz_wait4(pid_t pid, int *status, int options, struct rusage *usage);

static struct guest guest;
static struct child children[CHILDREN];
static pid_t next_pid, pid_of[IDS + 1];
static int peer = -1;
static uint8_t heard[PEER_SIZE];
static size_t heard_length;

static void require(bool good) {
  if (!good) abort();
}

static void close_end(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

pid_t fuzz_fork(void) { return 0; }

void signals_handled(sigset_t *set) { sigemptyset(set); }

/* "In the child": keeps its ends. The parent goes on with a pid of 0, which name_children() replaces. */
void child_run(const struct spawn_request *request, const struct child_files *files, const struct rlimit *open_files,
               struct stopwatch *stopwatch) {
  require((stopwatch != NULL) == request->times);
  stopwatch_passed(stopwatch, STEP_FORK);
  stopwatch_passed(stopwatch, STEP_PREPARE);
  (void)open_files;
  struct child *child = children;
  while (child < children + CHILDREN && child->pid != 0) child++;
  require(child < children + CHILDREN);
  *child = (struct child){.pid = -1, .files = {dup(files->input), dup(files->output), dup(files->error), dup(files->status)}};
  fcntl(child->files.output, F_SETFL, fcntl(child->files.output, F_GETFL) | O_NONBLOCK);
  fcntl(child->files.error, F_SETFL, fcntl(child->files.error, F_GETFL) | O_NONBLOCK);
  fcntl(child->files.input, F_SETFL, fcntl(child->files.input, F_GETFL) | O_NONBLOCK);
}

/* The number of one that was reaped may belong to another by now. */
int fuzz_kill(pid_t pid, int number) {
  require(number >= 1 && number <= 64);
  if (pid == -1) return 0;
  pid_t wanted = pid < 0 ? -pid : pid;
  for (int i = 0; i < CHILDREN; i++) {
    if (children[i].pid == wanted && !children[i].reaped) return pid < 0 && number % 2 == 0 ? -1 : 0;
  }
  abort();
}

pid_t fuzz_wait4(pid_t pid, int *status, int options, struct rusage *usage) {
  require(pid == -1 && options == WNOHANG);
  for (int i = 0; i < CHILDREN; i++) {
    struct child *child = &children[i];
    if (child->pid <= 0 || !child->exited || child->reaped) continue;
    child->reaped = true;
    *status = child->status;
    memset(usage, 0, sizeof *usage);
    return child->pid;
  }
  return 0;
}

/* SPAWN frames of one turn are several: the table has the newest first, as the children have them from behind. */
static void name_children(void) {
  for (int i = CHILDREN; i-- > 0;) {
    if (children[i].pid != -1) continue;
    struct process *process = guest.table.first;
    while (process != NULL && process->pid != 0) process = process->next;
    require(process != NULL);
    next_pid += 2;
    process->pid = children[i].pid = next_pid + (process->tty ? 0 : 1);
  }
}

/* What a child writes tells where it stands; on a tty new lines are two bytes. */
static uint8_t letter(pid_t pid, int stream, uint64_t offset) { return (uint8_t)(pid * 31 + stream * 7 + (int)(offset % 251)); }

static void check_output(pid_t pid, int stream, struct reader *reader) {
  uint64_t offset = read_u64(reader);
  require(reader->left >= 1 && reader->left <= FRAME_DATA_LARGEST);
  for (size_t i = 0; i < reader->left && pid % 2 != 0; i++) require(reader->at[i] == letter(pid, stream, offset + i));
}

static void check_exit(pid_t pid, struct reader *reader) {
  read_bytes(reader, 3);
  for (int stream = 0; stream < 2; stream++) {
    uint64_t total = read_u64(reader);
    for (int i = 0; i < CHILDREN && pid % 2 != 0; i++) require(children[i].pid != pid || total <= children[i].written[stream]);
  }
}

static void check_frame(struct reader reader) {
  uint8_t type = read_u8(&reader);
  uint32_t id = read_u32(&reader);
  pid_t pid = id >= 1 && id <= IDS ? pid_of[id] : 0;
  require(type >= FRAME_WELCOME && (type <= FRAME_PONG || type == FRAME_ERROR));
  if (type == FRAME_STDOUT || type == FRAME_STDERR) check_output(pid, type - FRAME_STDOUT, &reader);
  if (type == FRAME_EXIT) check_exit(pid, &reader);
  if (type == FRAME_SPAWNED) require(reader.left == 4 || reader.left == 4 + 8 * SPAWN_STEPS);
  if (type == FRAME_PROCESS) read_bytes(&reader, 2);
  if ((type == FRAME_PROCESS || type == FRAME_SPAWNED) && id >= 1 && id <= IDS) pid_of[id] = (pid_t)read_u32(&reader);
}

static void listen_to_guest(void) {
  ssize_t got;
  while (peer >= 0 && (got = recv(peer, heard + heard_length, PEER_SIZE - heard_length, MSG_DONTWAIT)) > 0) {
    heard_length += (size_t)got;
    for (;;) {
      struct reader reader = {heard, heard_length, false};
      uint32_t size = read_u32(&reader);
      if (heard_length < FRAME_LENGTH_BYTES) break;
      require(size >= 5 && size <= FROM_GUEST_LONGEST);
      if (reader.left < size) break;
      reader.left = size;
      check_frame(reader);
      heard_length -= FRAME_LENGTH_BYTES + size;
      memmove(heard, heard + FRAME_LENGTH_BYTES + size, heard_length);
    }
  }
}

static void forget_the_dead(void) {
  for (int i = 0; i < CHILDREN; i++) {
    if (children[i].reaped && children[i].files.output < 0) children[i] = (struct child){0};
  }
}

static void turn(void) {
  loop_turn(&guest.loop, 0);
  guest.signals.ready(&guest.signals, EPOLLIN);
  channel_pump(&guest);
  table_free_buried(&guest.table);
  name_children();
  forget_the_dead();
  require(guest.channel.out_end <= 256 * 1024 && guest.channel.in_end <= FRAME_LENGTH_BYTES + FRAME_LONGEST_FROM_CORE);
}

static void say(const void *data, size_t length) {
  if (peer >= 0) send(peer, data, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static size_t put(uint8_t *at, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; i++) at[i] = (uint8_t)(value >> (8 * i));
  return size;
}

/* The least SPAWN: flags, and `x` for a command. */
static size_t put_spawn(uint8_t *at, uint8_t flags) {
  size_t size = put(at, flags % 16, 4) + 16;
  memset(at + 4, 0, 16);
  size += put(at + size, 1, 4);
  size += put(at + size, 1, 4);
  at[size++] = 'x';
  return size + put(at + size, 0, 4);
}

/* A frame that mostly fits what the guest has: offsets are its own, and `off` beside them. */
static void say_frame(uint8_t type, uint32_t id, uint8_t amount, uint8_t off) {
  static uint8_t bytes[FRAME_HEADER + 64 + FRAME_DATA_LARGEST];
  const struct process *process = process_find(&guest.table, id);
  struct process nobody = {0};
  if (process == NULL) process = &nobody;
  uint64_t besides = off > 250 ? (uint64_t)(off - 250) : 0;
  const struct output *output = &process->output[amount % 2];
  size_t size = FRAME_HEADER;
  if (type == FRAME_SPAWN) size += put_spawn(bytes + size, amount);
  if (type == FRAME_STDIN || type == FRAME_STDIN_EOF) size += put(bytes + size, process->input.received + besides, 8);
  if (type == FRAME_STDIN) size += (size_t)amount * 256 + 1;
  if (type == FRAME_ACK) size += put(bytes + size, amount % 2 + 1, 1);
  if (type == FRAME_ACK) size += put(bytes + size, output->sent - (output->sent - output->base) / (off % 4 + 1) + besides, 8);
  if (type == FRAME_SIGNAL) size += put(bytes + size, (amount % 64u + 1) | (id == 0 ? 2u : off % 2u) << 8, 2);
  if (type == FRAME_RESIZE) size += put(bytes + size, amount, 4);
  if (type == FRAME_PING) size += put(bytes + size, amount, 8);
  for (int i = 0; i < 2 && type == FRAME_RESUME; i++)
    size += put(bytes + size, process->output[i].base + process->output[i].ring.used / (off % 4 + 1) + besides, 8);
  put(bytes, size - FRAME_LENGTH_BYTES, 4);
  bytes[4] = type;
  put(bytes + 5, type == FRAME_PING ? 0 : id, 4);
  say(bytes, size);
}

static void child_writes(struct child *child, int stream, size_t length) {
  static uint8_t bytes[FRAME_DATA_LARGEST];
  for (size_t i = 0; i < length; i++) bytes[i] = letter(child->pid, stream, child->written[stream] + i);
  ssize_t written = write(stream == 0 ? child->files.output : child->files.error, bytes, length);
  if (written > 0) child->written[stream] += (uint64_t)written;
}

static void child_executed(struct child *child, bool failed) {
  struct failure failure = {STAGE_EXECUTE, 2, "x: no such file"};
  if (failed && child->files.status >= 0 && write(child->files.status, &failure, sizeof failure) < 0) abort();
  close_end(&child->files.status);
}

/* `holds`: a grandchild has its output open still. */
static void child_exits(struct child *child, uint8_t value, bool holds) {
  if (child->exited) holds = false;
  child->exited = true;
  child->status = value % 2 == 0 ? value << 8 : value % 64 + 1;
  close_end(&child->files.input);
  close_end(&child->files.status);
  if (holds) return;
  close_end(&child->files.output);
  close_end(&child->files.error);
}

static void connect_peer(void) {
  int both[2];
  close_end(&peer);
  heard_length = 0;
  require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, both) == 0);
  peer = both[1];
  channel_take(&guest, both[0], PROTOCOL_VERSION);
}

static void with_child(struct child *child, enum step step, uint8_t first, uint8_t second) {
  static char sink[FRAME_DATA_LARGEST];
  if (child->pid <= 0) return;
  if (step == WRITE) child_writes(child, first & 1, (size_t)second * 256);
  if (step == EXECUTED) child_executed(child, first % 4 == 3);
  if (step == EXIT) child_exits(child, second, (first & 1) != 0);
  if (step == INPUT && second > 200) close_end(&child->files.input);
  if (step == INPUT && child->files.input >= 0 && read(child->files.input, sink, (size_t)second * 256) < 0) return;
}

static size_t take_step(const uint8_t *data, size_t length) {
  enum step step = data[0] % STEPS;
  uint8_t first = length > 1 ? data[1] : 0, second = length > 2 ? data[2] : 0, third = length > 3 ? data[3] : 0;
  size_t taken = step == RAW ? 2 : 4;
  if (step == RAW) {
    size_t raw = length > 2 && first < length - 2 ? first : length > 2 ? length - 2 : 0;
    say(data + taken, raw);
    taken += raw;
  }
  if (step == CONNECT) connect_peer();
  if (step == FRAME) say_frame((uint8_t)(first % 12), second % (IDS + 1), third, (uint8_t)(first * 7 + second));
  if (step == LISTEN) listen_to_guest();
  if (step == HANG_UP && first > 200) close_end(&peer);
  if (step == GIVE_UP) hangups_expire(&guest, UINT64_MAX);
  with_child(&children[(first >> 4) % PROCESSES], step, first, second);
  if ((data[0] & 0x80) == 0) turn();
  return taken < length ? taken : length;
}

static void start(void) {
  signal(SIGPIPE, SIG_IGN);
  guest.scratch = pages_map(SCRATCH_SIZE);
  guest.dev_null = open("/dev/null", O_RDWR | O_CLOEXEC);
  guest.terminals = terminals_open();
  require(guest.scratch != NULL && channel_init(&guest.channel) && loop_open(&guest.loop) && signals_open(&guest));
}

/* As when everything ends: nothing may be left open, and the leak checker looks at the rest. */
static void end(void) {
  for (int i = 0; i < CHILDREN; i++) {
    if (children[i].pid > 0) child_exits(&children[i], 0, false);
  }
  turn();
  close_end(&peer);
  turn();
  watch_close(&guest.loop, &guest.channel.watch);
  while (guest.table.first != NULL) process_bury(guest.table.first);
  table_free_buried(&guest.table);
  require(guest.table.count == 0);
  guest.channel = (struct channel){.in = guest.channel.in, .out = guest.channel.out};
  watch_init(&guest.channel.watch, -1, guest.channel.watch.ready);
  memset(children, 0, sizeof children);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
  if (guest.scratch == NULL) start();
  guest.table.most = PROCESSES;
  next_pid = FIRST_PID;
  memset(pid_of, 0, sizeof pid_of);
  connect_peer();
  turn();
  for (size_t at = 0; at < length;) at += take_step(data + at, length - at);
  end();
  return 0;
}
