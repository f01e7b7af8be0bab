/* Makes directories that an image names and does not have. */
#ifndef FSB_WORKDIR_H
#define FSB_WORKDIR_H

/* Makes what is missing of the path, 0755 and root's own, whoever will work in it: as docker does. Returns 0 or an
 * errno. */
int workdir_create(const char *path);

#endif
