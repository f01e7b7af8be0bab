#include "users.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "lines.h"

enum { PASSWD_NAME = 0, PASSWD_UID = 2, PASSWD_GID = 3, PASSWD_HOME = 5, PASSWD_FIELDS = 7 };
enum { GROUP_NAME = 0, GROUP_GID = 2, GROUP_MEMBERS = 3, GROUP_FIELDS = 4 };

static bool parse_id(const char *text, uint32_t *out) {
  if (*text == 0) return false;
  uint64_t value = 0;
  for (; *text != 0; text++) {
    if (*text < '0' || *text > '9') return false;
    value = value * 10 + (uint64_t)(*text - '0');
    /* The largest means "leave it" to the kernel, and would keep the user that we are. */
    if (value >= UINT32_MAX) return false;
  }
  *out = (uint32_t)value;
  return true;
}

static bool take_passwd_entry(char *fields[], struct identity *out) {
  if (!parse_id(fields[PASSWD_UID], &out->uid) || !parse_id(fields[PASSWD_GID], &out->gid)) return false;
  if (fields[PASSWD_HOME][0] != 0 && strlen(fields[PASSWD_HOME]) < sizeof out->home) {
    strcpy(out->home, fields[PASSWD_HOME]);
  }
  return true;
}

/* Finds the first entry of that name, or else the first of that number. Nothing is the number 0, whoever has that for a
 * name. `name` gets the entry's name. */
static bool find_user(const char *wanted, struct identity *out, char *name, size_t name_size) {
  uint32_t number = 0;
  bool nobody = wanted[0] == 0;
  bool numeric = nobody || parse_id(wanted, &number);
  bool found = false;
  struct lines lines;
  if (!lines_open(&lines, "/etc/passwd")) return false;
  char *fields[PASSWD_FIELDS];
  while (lines_next(&lines, fields, PASSWD_FIELDS)) {
    uint32_t uid = 0;
    bool by_name = !nobody && strcmp(fields[PASSWD_NAME], wanted) == 0;
    bool by_number = numeric && !found && parse_id(fields[PASSWD_UID], &uid) && uid == number;
    if ((!by_name && !by_number) || strlen(fields[PASSWD_NAME]) >= name_size) continue;
    if (!take_passwd_entry(fields, out)) continue;
    strcpy(name, fields[PASSWD_NAME]);
    found = true;
    if (by_name) break;
  }
  lines_close(&lines);
  return found;
}

static bool find_group(const char *wanted, gid_t *out) {
  bool found = false;
  struct lines lines;
  if (lines_open(&lines, "/etc/group")) {
    char *fields[GROUP_FIELDS];
    while (!found && lines_next(&lines, fields, GROUP_FIELDS)) {
      found = strcmp(fields[GROUP_NAME], wanted) == 0 && parse_id(fields[GROUP_GID], out);
    }
    lines_close(&lines);
  }
  return found || parse_id(wanted, out);
}

static bool is_member(char *members, const char *name) {
  char *rest = members;
  for (char *member = strsep(&rest, ","); member != NULL; member = strsep(&rest, ",")) {
    if (strcmp(member, name) == 0) return true;
  }
  return false;
}

static void add_memberships(const char *name, struct identity *out) {
  struct lines lines;
  if (!lines_open(&lines, "/etc/group")) return;
  char *fields[GROUP_FIELDS];
  while (out->group_count < GROUPS_MOST && lines_next(&lines, fields, GROUP_FIELDS)) {
    gid_t gid = 0;
    if (is_member(fields[GROUP_MEMBERS], name) && parse_id(fields[GROUP_GID], &gid) && gid != out->gid) {
      out->groups[out->group_count++] = gid;
    }
  }
  lines_close(&lines);
}

enum users_result users_resolve(const char *text, struct identity *out) {
  char user[256];
  char name[256] = "";
  *out = (struct identity){.home = "/"};
  size_t length = strcspn(text, ":");
  const char *group = text[length] == ':' ? text + length + 1 : "";
  if (length >= sizeof user) return USERS_NO_USER;
  memcpy(user, text, length);
  user[length] = 0;
  if (!find_user(user, out, name, sizeof name) && length > 0 && !parse_id(user, &out->uid)) return USERS_NO_USER;
  if (group[0] != 0 && !find_group(group, &out->gid)) return USERS_NO_GROUP;
  out->groups[out->group_count++] = out->gid;
  if (group[0] == 0 && name[0] != 0) add_memberships(name, out);
  return USERS_FOUND;
}
