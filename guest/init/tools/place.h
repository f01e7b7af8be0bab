/* Where the names of an archive lead to below one directory, and nowhere else. */
#ifndef FSB_PLACE_H
#define FSB_PLACE_H

#include "tar.h"

struct tree {
  int root;
  /* The directory of the entry before: most are beside it. */
  int parent;
  char parent_path[TAR_NAME_MOST + 1];
};

struct place {
  int directory;    /* belongs to the tree, good until the next call */
  const char *name; /* in it, within the text that was given */
};

/* Makes a name clean: no slash at its ends, no empty part and no `.`. Returns false when a part is `..`. What is left is
 * empty for the root itself. */
bool place_clean(char *path);

bool tree_open(struct tree *tree, const char *path);
void tree_close(struct tree *tree);

/* Finds the directory that a clean, not empty path is in; `make`: with those that are missing. A symbolic link on the way
 * leads to no place outside of the root, whatever it says. Returns false with errno. */
bool place_find(struct tree *tree, const char *path, bool make, struct place *out);

#endif
