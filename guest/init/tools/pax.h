/* The records of a pax header: `LENGTH KEY=VALUE\n`, again and again. */
#ifndef FSB_PAX_H
#define FSB_PAX_H

#include "tar.h"

struct pax_record {
  const char *key; /* ends with NUL */
  const char *value;
  size_t length;
};

/* Takes the record at *at, and moves *at behind it. `data` is changed: keys get their NUL. Returns false when there is
 * none, which is the end when *at is `length`, and else damage. */
bool pax_next(char *data, size_t length, size_t *at, struct pax_record *out);

/* Again, from data that pax_next() has been through. */
bool pax_next_again(const char *data, size_t length, size_t *at, struct pax_record *out);

/* Puts what the records say over what the header says. Returns NULL, or what is wrong. */
const char *pax_apply(char *data, size_t length, struct tar_entry *entry);

/* Adds a record at `to`, where room for `length of key and value + 32` bytes must be. Returns its length. */
size_t pax_add(char *to, const char *key, const void *value, size_t length);

#endif
