/* Finds and executes a program. */
#ifndef FSB_EXECUTE_H
#define FSB_EXECUTE_H

/* Returns only on failure, with the errno that says why. argv[0] without a slash is looked up on PATH of the
 * environment. */
int execute(char *const argv[], char *const environment[]);

/* Says in words why execute() failed for this program. The text lives until the next call. */
const char *execute_problem(const char *program, int error);

#endif
