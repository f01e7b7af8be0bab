/*
 * connect: one TCP connection within the instance, relayed over standard input and output. The end of input half-closes
 * the connection. When the other side has half-closed, `end N` on standard error says so: N bytes of standard output are
 * all that comes. Every other line there is for people.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tool.h"

enum { BUFFER = 65536 };

struct flow {
  int from;
  int to;
  char data[BUFFER];
  size_t start;
  size_t end;
  uint64_t moved;
  bool no_more; /* `from` has ended */
  bool over;    /* and everything is through */
};

struct address {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } socket;
  socklen_t length;
};

static bool parse_address(const char *host, uint16_t port, struct address *out) {
  memset(out, 0, sizeof *out);
  if (inet_pton(AF_INET, host, &out->socket.v4.sin_addr) == 1) {
    out->socket.v4.sin_family = AF_INET;
    out->socket.v4.sin_port = htons(port);
    out->length = sizeof out->socket.v4;
    return true;
  }
  if (inet_pton(AF_INET6, host, &out->socket.v6.sin6_addr) != 1) return false;
  out->socket.v6.sin6_family = AF_INET6;
  out->socket.v6.sin6_port = htons(port);
  out->length = sizeof out->socket.v6;
  return true;
}

/* Returns the socket, or -1 with errno. */
static int open_connection(const char *host, uint16_t port) {
  struct address address;
  if (!parse_address(host, port, &address)) {
    errno = EINVAL;
    return -1;
  }
  int fd = socket(address.socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (connect(fd, &address.socket.any, address.length) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static int open_loopback(uint16_t port) {
  int fd = open_connection("127.0.0.1", port);
  if (fd >= 0 || errno != ECONNREFUSED) return fd;
  fd = open_connection("::1", port);
  /* An instance without IPv6 refuses in other words. */
  if (fd < 0) errno = ECONNREFUSED;
  return fd;
}

static bool would_wait(void) { return errno == EAGAIN || errno == EINTR; }

/* Returns false when reading failed for good. */
static bool fill(struct flow *flow) {
  ssize_t got = read(flow->from, flow->data, sizeof flow->data);
  if (got < 0) return would_wait();
  flow->start = 0;
  flow->end = (size_t)got;
  flow->no_more = got == 0;
  return true;
}

static bool drain(struct flow *flow) {
  ssize_t written = write(flow->to, flow->data + flow->start, flow->end - flow->start);
  if (written < 0) return would_wait();
  flow->start += (size_t)written;
  flow->moved += (uint64_t)written;
  return true;
}

static bool is_empty(const struct flow *flow) { return flow->start == flow->end; }

static struct pollfd interest(const struct flow *flow) {
  if (flow->over) return (struct pollfd){.fd = -1};
  if (is_empty(flow)) return (struct pollfd){.fd = flow->from, .events = POLLIN};
  return (struct pollfd){.fd = flow->to, .events = POLLOUT};
}

static bool step(struct flow *flow, const struct pollfd *ready) {
  if (flow->over || ready->revents == 0) return true;
  return is_empty(flow) ? fill(flow) : drain(flow);
}

/* Nobody takes the input any more: what still comes is nobody's. */
static void give_up(struct flow *input) { input->over = true; }

static int relay(int connection) {
  static struct flow input, output;
  input.from = STDIN_FILENO;
  input.to = output.from = connection;
  output.to = STDOUT_FILENO;
  while (!input.over || !output.over) {
    struct pollfd ready[2] = {interest(&input), interest(&output)};
    if (poll(ready, 2, -1) < 0 && errno != EINTR) return tool_complain("cannot", "wait", errno);
    if (!step(&input, &ready[0])) give_up(&input);
    if (!step(&output, &ready[1])) return tool_complain("lost the", "connection", errno);
    if (!input.over && input.no_more) {
      shutdown(connection, SHUT_WR);
      input.over = true;
    }
    if (!output.over && output.no_more) {
      output.over = true;
      dprintf(STDERR_FILENO, "end %llu\n", (unsigned long long)output.moved);
    }
  }
  return TOOL_DONE;
}

static void unblock(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

static bool parse_port(const char *text, uint16_t *out) {
  char *end = NULL;
  long value = strtol(text, &end, 10);
  if (end == text || *end != 0 || value < 1 || value > 65535) return false;
  *out = (uint16_t)value;
  return true;
}

int tool_connect(int argc, char **argv) {
  uint16_t port = 0;
  if (argc < 2 || argc > 3 || !parse_port(argv[argc - 1], &port)) return TOOL_MISUSED;
  int connection = argc == 3 ? open_connection(argv[1], port) : open_loopback(port);
  if (connection < 0) return tool_complain("cannot connect to port", argv[argc - 1], errno);
  /* A connection that is gone is told by write(). */
  signal(SIGPIPE, SIG_IGN);
  int yes = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  unblock(connection);
  unblock(STDIN_FILENO);
  unblock(STDOUT_FILENO);
  return relay(connection);
}
