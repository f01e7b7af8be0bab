/* Looks users and groups up in the guest's own files. Not with getpwnam(): in a static program that needs the libc's
 * plug-ins, which an image need not have. */
#ifndef FSB_USERS_H
#define FSB_USERS_H

#include <sys/types.h>

enum { GROUPS_MOST = 1024, HOME_LARGEST = 512 };

struct identity {
  uid_t uid;
  gid_t gid;
  gid_t groups[GROUPS_MOST];
  size_t group_count;
  char home[HOME_LARGEST];
};

/* `text` is "", "name", "uid", "name:group" or "uid:gid". Returns 0 or an errno: ENOENT for a user or group that does
 * not exist, EINVAL for a text that is none of these. */
int users_resolve(const char *text, struct identity *out);

#endif
