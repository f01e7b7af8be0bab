/* Numbers of tar headers. */
#ifndef FSB_TAR_NUMBER_H
#define FSB_TAR_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Octal, or binary (base 256) when the first bit is set. Returns false for anything else. */
bool tar_parse_field(const char *field, size_t length, int64_t *out);

/* Decimal digits and nothing else, not above INT64_MAX. */
bool tar_parse_decimal(const char *text, size_t length, int64_t *out);

/* `-12.5`, as pax headers have times. */
bool tar_parse_time(const char *text, size_t length, struct timespec *out);

/* Octal where that fits, else binary. */
void tar_format_field(char *field, size_t length, uint64_t value);

#endif
