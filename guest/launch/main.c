/*
 * fsb-launch: what the core needs from the kernel around an instance and cannot do from Node.js.
 *
 *   fsb-launch boot ...   mounts and a listening socket for one instance, then executes its runtime (boot.c)
 *   fsb-launch end ...    kills processes by pid and start time and waits until they are gone (end.c)
 *   fsb-launch lock ...   holds a file lock for as long as its standard input is open (lock.c)
 */
#include "launch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int main(int argc, char **argv) {
    const char *mode = argc > 1 ? argv[1] : "";
    if (strcmp(mode, "boot") == 0) return boot_main(argv + 2);
    if (strcmp(mode, "end") == 0) return end_main(argv + 2);
    if (strcmp(mode, "lock") == 0) return lock_main(argv + 2);
    fputs("usage: fsb-launch boot --socket PATH --rootfs DIR [--parent PID]\n"
          "                       {--overlay TARGET --lower DIR... --upper DIR --work DIR}... -- PROGRAM [ARG...]\n"
          "       fsb-launch end [--wait MS] PID:START...\n"
          "       fsb-launch lock [--wait MS] FILE\n",
          stderr);
    return EXIT_FAILED;
}
