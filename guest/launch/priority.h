/* Nice values of whole process trees. The kernel keeps one for each thread, and a child begins with its parent's. */
#ifndef FSB_PRIORITY_H
#define FSB_PRIORITY_H

#include <sys/types.h>

/*
 * Gives every thread of a process and of what descends from it the usual priority, whatever group or session it is in.
 * What ends meanwhile is passed over. Where the kernel does not tell the children of a thread, only the process itself.
 */
void raise_tree(pid_t root);

#endif
