/* Directories that only the core, the runtime and the kernel write to. */
#ifndef FSB_TREE_H
#define FSB_TREE_H

/* Removes the directory and what is below it. Fine when it is not there. */
void remove_tree(const char *path);

#endif
