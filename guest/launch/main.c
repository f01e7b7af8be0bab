/*
 * fsb-launch: what the core needs from the kernel around an instance and cannot do from Node.js.
 *
 *   fsb-launch boot ...   mounts and a listening socket for one instance, then executes its runtime (boot.c)
 *   fsb-launch remove ... takes away every trace of one instance (remove.c)
 *   fsb-launch run ...    executes a program, with few descriptors (below)
 *   fsb-launch mark ...   puts on an unpacked layer what Node.js cannot (mark.c)
 *   fsb-launch spread ... tells the file system that what is made in a directory is unrelated (spread.c)
 *   fsb-launch serve      starts any of these on request, each in a process of its own (serve.c)
 *   fsb-launch lock ...   holds a file lock for as long as its standard input is open (lock.c)
 */
#include "launch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptors.h"

void fail_because(const char *step, const char *path, const char *reason) {
    fprintf(stderr, "fsb-launch: %s %s: %s\n", step, path, reason);
    exit(EXIT_FAILED);
}

void fail(const char *step, const char *path) { fail_because(step, path, strerror(errno)); }

char *option_value(char ***cursor) {
    const char *name = **cursor;
    char *value = *++*cursor;
    if (value == NULL) fail_because("option", name, "needs a value");
    return value;
}

unsigned long long parse_number(const char *what, const char *text, unsigned long long limit) {
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > limit)
        fail_because(what, text, "not a number in range");
    return value;
}

/* Searched on PATH. Of descriptors it gets stdio and one more, as a core that starts tells its first word on. */
static int run_main(char **args) {
    if (args[0] == NULL) fail_because("option", "PROGRAM", "missing");
    close_from(STDERR_FILENO + 2);
    execvp(args[0], args);
    fail("execute", args[0]);
}

static _Noreturn void usage(void) {
    fputs("usage: fsb-launch boot --layers DIR --bundle DIR --config JSON [--again] [--disk BYTES]\n"
          "                       [--etc NAME TEXT]... {--overlay TARGET --lower DIR...}... -- PROGRAM [ARG...]\n"
          "       fsb-launch remove [--process PID:START] [--thaw FILE] [--group DIR]... [--tree DIR]...\n"
          "                         [--aside FROM TO]\n"
          "       fsb-launch run PROGRAM [ARG...]\n"
          "       fsb-launch lock [--wait MS] FILE\n"
          "       fsb-launch mark ROOT FILE\n"
          "       fsb-launch spread DIR...\n"
          "       fsb-launch serve\n",
          stderr);
    exit(EXIT_FAILED);
}

int run_mode(char **words) {
    if (strcmp(words[0], "boot") == 0) return boot_main(words + 1);
    if (strcmp(words[0], "remove") == 0) return remove_main(words + 1);
    if (strcmp(words[0], "run") == 0) return run_main(words + 1);
    if (strcmp(words[0], "mark") == 0) return mark_main(words + 1);
    if (strcmp(words[0], "spread") == 0) return spread_main(words + 1);
    usage();
}

int main(int argc, char **argv) {
    if (argc < 2) usage();
    if (strcmp(argv[1], "lock") == 0) return lock_main(argv + 2);
    if (strcmp(argv[1], "serve") == 0) return serve_main(argv + 2);
    return run_mode(argv + 1);
}
