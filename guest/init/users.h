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

enum users_result { USERS_FOUND, USERS_NO_USER, USERS_NO_GROUP };

/* `text` is "", "name", "uid", "name:group" or "uid:gid"; an empty half is as if it were left out. Without a group the
 * user's memberships count. As docker does, the main group is one of `groups`: a program that gives the main group up
 * must not lose what the group is refused. */
enum users_result users_resolve(const char *text, struct identity *out);

#endif
