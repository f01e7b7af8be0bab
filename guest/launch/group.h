/* The cgroups of one instance: one directory in each hierarchy of the node. */
#ifndef FSB_GROUP_H
#define FSB_GROUP_H

/* Kills what is in these groups and below them, in rounds, until nothing is. Ends this program when something stays. */
void empty_groups(char *const *groups, long long deadline);

/* Removes the group and what is below it. Fine when it is not there. */
void remove_group(const char *group);

#endif
