/*
 * processes: what runs in the instance, without PID 1 and this process itself. A line `TICKS UPTIME`, clock ticks a second
 * and seconds since the machine booted; then one for each process: `UID PID PPID USED STARTED TTY USER COMMAND`. USED and
 * STARTED are clock ticks, of processor time and after the boot; TTY is the kernel's number of it; USER is `-` where
 * /etc/passwd has none. Control characters in COMMAND are question marks.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lines.h"
#include "tool.h"

enum { COMMAND_MOST = 4096, STAT_MOST = 2048, NAME_MOST = 64 };
enum { PASSWD_NAME = 0, PASSWD_UID = 2, PASSWD_FIELDS = 7 };

struct facts {
  unsigned uid;
  long pid;
  long parent;
  unsigned long long used;
  unsigned long long started;
  long tty;
  char command[COMMAND_MOST + 1];
};

/* Returns the length, or -1 when the process has ended. There is always room for a NUL, which is put behind it. */
static long slurp(int directory, const char *name, char *to, size_t room) {
  int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  long length = read_full(fd, to, room - 1);
  close(fd);
  if (length >= 0) to[length] = 0;
  return length;
}

/* The name of the program may have anything in it; the last parenthesis ends it. */
static bool read_stat(int directory, struct facts *facts) {
  char text[STAT_MOST];
  if (slurp(directory, "stat", text, sizeof text) <= 0) return false;
  char *name = strchr(text, '(');
  char *after = strrchr(text, ')');
  if (name == NULL || after == NULL || after < name) return false;
  unsigned long long user = 0, system = 0;
  int found = sscanf(after + 1, " %*c %ld %*d %*d %ld %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %llu",
                     &facts->parent, &facts->tty, &user, &system, &facts->started);
  facts->used = user + system;
  *after = 0;
  snprintf(facts->command, sizeof facts->command, "[%s]", name + 1);
  return found == 5;
}

static bool read_user(int directory, struct facts *facts) {
  char text[4096];
  if (slurp(directory, "status", text, sizeof text) <= 0) return false;
  const char *line = strstr(text, "\nUid:");
  return line != NULL && sscanf(line, "\nUid: %*u %u", &facts->uid) == 1;
}

/* A kernel thread or a zombie has none, and keeps the name. */
static void read_command(int directory, struct facts *facts) {
  char text[COMMAND_MOST + 1];
  long length = slurp(directory, "cmdline", text, sizeof text);
  if (length <= 0) return;
  while (length > 0 && text[length - 1] == 0) length--;
  for (long i = 0; i < length; i++) {
    if (text[i] == 0) text[i] = ' ';
  }
  if (length == 0) return;
  memcpy(facts->command, text, (size_t)length);
  facts->command[length] = 0;
}

static bool examine(int proc, const char *name, struct facts *facts) {
  int directory = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  facts->pid = strtol(name, NULL, 10);
  bool found = read_stat(directory, facts) && read_user(directory, facts);
  if (found) read_command(directory, facts);
  close(directory);
  return found;
}

/* The name is good for one word. */
static bool is_word(const char *name) {
  if (name[0] == 0 || strlen(name) >= NAME_MOST) return false;
  for (const char *at = name; *at != 0; at++) {
    if ((unsigned char)*at <= ' ' || *at == 0x7f) return false;
  }
  return true;
}

/* Mostly it is the same user again. */
static const char *user_name(unsigned uid) {
  static char name[NAME_MOST];
  static unsigned known = UINT32_MAX;
  if (known == uid) return name;
  known = uid;
  strcpy(name, "-");
  struct lines lines;
  if (!lines_open(&lines, "/etc/passwd")) return name;
  char *fields[PASSWD_FIELDS];
  while (lines_next(&lines, fields, PASSWD_FIELDS)) {
    char *end = NULL;
    unsigned long number = strtoul(fields[PASSWD_UID], &end, 10);
    if (end == fields[PASSWD_UID] || *end != 0 || number != uid || !is_word(fields[PASSWD_NAME])) continue;
    strcpy(name, fields[PASSWD_NAME]);
    break;
  }
  lines_close(&lines);
  return name;
}

static void print(struct facts *facts) {
  for (char *at = facts->command; *at != 0; at++) {
    if ((unsigned char)*at < ' ' || *at == 0x7f) *at = '?';
  }
  printf("%u %ld %ld %llu %llu %ld %s %s\n", facts->uid, facts->pid, facts->parent, facts->used, facts->started,
         facts->tty, user_name(facts->uid), facts->command);
}

int tool_processes(int argc, char **argv) {
  (void)argv;
  if (argc != 1) return TOOL_MISUSED;
  DIR *proc = opendir("/proc");
  if (proc == NULL) return tool_complain("cannot read", "/proc", errno);
  char uptime[64];
  if (slurp(dirfd(proc), "uptime", uptime, sizeof uptime) <= 0) return tool_complain("cannot read", "/proc/uptime", errno);
  uptime[strcspn(uptime, " \n")] = 0;
  printf("%ld %s\n", sysconf(_SC_CLK_TCK), uptime);
  static struct facts facts;
  for (struct dirent *entry = readdir(proc); entry != NULL; entry = readdir(proc)) {
    if (!isdigit((unsigned char)entry->d_name[0]) || strcmp(entry->d_name, "1") == 0) continue;
    if (examine(dirfd(proc), entry->d_name, &facts) && facts.pid != getpid()) print(&facts);
  }
  closedir(proc);
  return fflush(stdout) == 0 ? TOOL_DONE : TOOL_FAILED;
}
