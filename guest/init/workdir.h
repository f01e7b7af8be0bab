/* Makes and enters the working directory. */
#ifndef FSB_WORKDIR_H
#define FSB_WORKDIR_H

#include <sys/types.h>

/* Makes what is missing of the path, 0755 and owned by uid and gid. Returns 0 or an errno. */
int workdir_create(const char *path, uid_t uid, gid_t gid);

#endif
