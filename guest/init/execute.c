#include "execute.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *search_path(char *const environment[]) {
  for (; *environment != NULL; environment++) {
    if (strncmp(*environment, "PATH=", 5) == 0) return *environment + 5;
  }
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

static bool is_file(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
}

/* What keeps a search going: the next directory may have a program that works. */
static bool goes_on(int error) { return error == ENOENT || error == ENOTDIR || error == EACCES; }

static int execute_on_path(char *const argv[], char *const environment[]) {
  int result = ENOENT;
  const char *from = search_path(environment);
  while (from != NULL) {
    size_t length = strcspn(from, ":");
    char file[PATH_MAX];
    const char *directory = length == 0 ? "." : from;
    int size = snprintf(file, sizeof file, "%.*s/%s", length == 0 ? 1 : (int)length, directory, argv[0]);
    if (size > 0 && (size_t)size < sizeof file) {
      execve(file, argv, environment);
      if (!goes_on(errno)) return errno;
      /* "Permission denied" for a directory of that name, or one that may not be searched, finds nothing. */
      if (errno == EACCES && is_file(file)) result = EACCES;
    }
    from = from[length] == ':' ? from + length + 1 : NULL;
  }
  return result;
}

int execute(char *const argv[], char *const environment[]) {
  if (argv[0][0] == 0) return ENOENT;
  if (strchr(argv[0], '/') == NULL) return execute_on_path(argv, environment);
  execve(argv[0], argv, environment);
  int error = errno;
  struct stat status;
  if (error == EACCES && stat(argv[0], &status) == 0 && S_ISDIR(status.st_mode)) return EISDIR;
  return error;
}

const char *execute_problem(const char *program, int error) {
  static char text[512];
  bool path = strchr(program, '/') != NULL;
  const char *why = strerror(error);
  if (error == ENOENT && !path) why = "not found on PATH";
  if (error == ENOENT && path && is_file(program)) why = "its interpreter was not found";
  if (error == EISDIR) why = "is a directory";
  if (error == ENOEXEC) why = "is not a program for this machine (a script needs a #! line)";
  snprintf(text, sizeof text, "\"%.300s\": %s", program, why);
  return text;
}
