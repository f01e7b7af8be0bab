/*
 * fsb-init: PID 1 of every instance. It starts processes for the core and carries their streams; ../PROTOCOL.md is
 * the contract.
 *
 * How it is organised, from the outside in:
 *   main, options, system    start-up, and the loop that everything below is called from
 *   loop                     epoll: a `struct watch` is one descriptor and its handler
 *   listener -> channel      a peer says HELLO and becomes the one connection to the core
 *   frame_decode -> dispatch what the core asks for        (frame_encode <- outgoing: what the guest tells)
 *   spawn -> child           fork here, everything up to exec there (users, lines, workdir, execute)
 *   stopwatch                how long that takes, for a core that asks
 *   process                  the table; each process has one input and two output streams
 *   output, input, ring, pty the streams, their windows and buffers
 *   reap                     signals, exit statuses, totals
 *   tools/                   the same program as an ordinary process of the instance: files, connections, processes
 *
 * One thread, nothing blocks: handlers only change state, and channel_pump() sends what there is after each turn. What
 * runs inside may put anything at any path, so that PID 1 opens none by then: start() does, and children do.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "guest.h"
#include "options.h"
#include "pty.h"
#include "reap.h"
#include "system.h"
#include "tools/tool.h"
#include "workdir.h"

enum { TRIM_MS = 200, DESCRIPTORS_OF_OURS = 40, DESCRIPTORS_PER_PROCESS = 6 };

static int complain(const char *what) {
  fprintf(stderr, "fsb-init: %s: %s\n", what, strerror(errno));
  return 1;
}

/* Returns the socket, or -1 with errno. */
static int listen_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  struct stat status;
  if (lstat(path, &status) == 0 && S_ISSOCK(status.st_mode)) unlink(path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return -1;
  return chmod(path, 0600) < 0 || listen(fd, PENDING_MOST) < 0 ? -1 : fd;
}

/* One that cannot be made does not keep the instance from starting: who needs it sees what is wrong. */
static void make_directories(const struct options *options) {
  for (char **path = options->directories; *path != NULL; path++) workdir_create(*path);
}

static bool read_secret(int fd, struct listener *listener) {
  ssize_t got = 1;
  while (got > 0 && listener->secret_length < SECRET_LARGEST) {
    got = read(fd, listener->secret + listener->secret_length, SECRET_LARGEST - listener->secret_length);
    if (got > 0) listener->secret_length += (size_t)got;
  }
  listener->has_secret = true;
  return got >= 0 && listener->secret_length > 0;
}

/* The listening socket at 3, and nothing else that was inherited. */
static int claim_listening_socket(const struct options *options) {
  int fd = options->listen_path != NULL ? listen_at(options->listen_path) : options->listen_fd;
  if (fd < 0 || (fd != 3 && dup2(fd, 3) < 0)) return -1;
  close_descriptors_from(4);
  fcntl(3, F_SETFD, FD_CLOEXEC);
  return fcntl(3, F_SETFL, fcntl(3, F_GETFL) | O_NONBLOCK) < 0 ? -1 : 3;
}

static size_t process_limit(rlim_t open_files) {
  if (open_files <= DESCRIPTORS_OF_OURS) return 0;
  rlim_t most = (open_files - DESCRIPTORS_OF_OURS) / DESCRIPTORS_PER_PROCESS;
  return most < PROCESSES_MOST ? (size_t)most : PROCESSES_MOST;
}

static int start(struct guest *guest, const struct options *options) {
  if (options->secret_fd >= 0 && !read_secret(options->secret_fd, &guest->listener)) return complain("cannot read the secret");
  int fd = claim_listening_socket(options);
  if (fd < 0) return complain("cannot listen");
  guest->dev_null = null_open();
  if (guest->dev_null < 0) return complain("cannot open /dev/null");
  guest->terminals = terminals_open();
  guest->table.most = process_limit(system_prepare(&guest->open_files));
  guest->scratch = pages_map(SCRATCH_SIZE);
  if (guest->scratch == NULL || !channel_init(&guest->channel)) return complain("cannot map buffers");
  if (!loop_open(&guest->loop) || !signals_open(guest) || !listener_open(guest, fd)) return complain("cannot watch");
  return 0;
}

static void trim(struct guest *guest) {
  guest->trim_at = 0;
  channel_trim(&guest->channel);
  pages_trim(guest->scratch, &guest->scratch_touched);
  for (struct process *process = guest->table.first; process != NULL; process = process->next) {
    ring_trim(&process->input.ring);
    ring_trim(&process->output[0].ring);
    ring_trim(&process->output[1].ring);
  }
}

static int time_left(const struct guest *guest) {
  const uint64_t deadlines[] = {guest->trim_at, guest->listener.retry_at, hangups_next_deadline(guest)};
  uint64_t next = 0;
  for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
    if (deadlines[i] != 0 && (next == 0 || deadlines[i] < next)) next = deadlines[i];
  }
  if (next == 0) return -1;
  uint64_t now = now_ms();
  return next > now ? (int)(next - now) : 0;
}

static void meet_deadlines(struct guest *guest) {
  uint64_t now = now_ms();
  hangups_expire(guest, now);
  if (guest->listener.retry_at != 0 && guest->listener.retry_at <= now) listener_retry(guest);
  if (guest->trim_at != 0 && guest->trim_at <= now) trim(guest);
}

int main(int argc, char **argv) {
  static struct guest guest;
  struct options options;
  if (argc > 1 && argv[1][0] != '-') return tool_run(argc - 1, argv + 1);
  if (!options_parse(argc, argv, &options)) return 2;
  if (getpid() != 1) {
    /* As PID 1 "every process" means every process of the instance; elsewhere it would mean the machine. */
    fprintf(stderr, "fsb-init: must be PID 1 of a pid namespace\n");
    return 2;
  }
  if (!standard_descriptors_open()) return complain("cannot open /dev/null");
  make_directories(&options);
  int failed = start(&guest, &options);
  while (!failed) {
    int handled = loop_turn(&guest.loop, time_left(&guest));
    meet_deadlines(&guest);
    channel_pump(&guest);
    table_free_buried(&guest.table);
    if (handled > 0 && guest.trim_at == 0) guest.trim_at = now_ms() + TRIM_MS;
  }
  return failed;
}
