/* What the modes of fsb-launch share. */
#ifndef FSB_LAUNCH_H
#define FSB_LAUNCH_H

enum {
    EXIT_STILL_ALIVE = 74,
    EXIT_LOCKED = 75,
    EXIT_EXISTS = 76,
    EXIT_FAILED = 125,
};

/* Each mode gets what follows its name on the command line, ended by NULL, and returns the exit code. */
int boot_main(char **args);
int remove_main(char **args);
int lock_main(char **args);
int mark_main(char **args);
int spread_main(char **args);
int serve_main(char **args);

/* One of the modes that `serve` starts, by its name. Returns the exit code; some modes become another program. */
int run_mode(char **words);

/* Prints "fsb-launch: STEP PATH: reason of errno" and exits with EXIT_FAILED. */
_Noreturn void fail(const char *step, const char *path);
/* The same with a reason in words. */
_Noreturn void fail_because(const char *step, const char *path, const char *reason);

/* The value behind the option at *cursor; moves the cursor onto it. */
char *option_value(char ***cursor);
/* A decimal number of 0..limit, whole text. */
unsigned long long parse_number(const char *what, const char *text, unsigned long long limit);

struct overlay {
    const char *target;
    /* Topmost first. */
    const char **lower;
    int lower_count;
    const char *upper;
    const char *work;
};

/* Mounts one overlay on `target`, a path within the directory `rootfs`; the target "/" is `rootfs` itself. */
void mount_overlay(const char *rootfs, const struct overlay *overlay);

#endif
