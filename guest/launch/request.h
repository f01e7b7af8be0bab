/*
 * What the core asks `fsb-launch serve` for. No I/O.
 *
 * A request on standard input, numbers little-endian:
 *   u32 length of what follows, u32 id, u8 kind, and for REQUEST_START: u8 flags, then the words of a mode of
 *   fsb-launch, its name first, each ended by a zero byte.
 * A result on standard output, once for each id that was started:
 *   u32 length of what follows, u32 id, u8 how it ended (an enum ending), u32 exit code or signal, then the beginning
 *   of what it said on standard error.
 */
#ifndef FSB_REQUEST_H
#define FSB_REQUEST_H

#include <stddef.h>
#include <stdint.h>

enum {
    REQUEST_LONGEST = 1024 * 1024,
    REQUEST_HEADER = 4 + 4 + 1,
    RESULT_HEADER = 4 + 4 + 1 + 4,
};

enum request_kind {
    REQUEST_START = 1,
    /* SIGKILL to its process group. An id that has ended is fine. */
    REQUEST_KILL = 2,
    /* Somebody waits for it now: no more at the low priority. An id that has ended is fine. */
    REQUEST_HURRY = 3,
};

enum request_flags { FLAG_LOW_PRIORITY = 1 };

enum ending { ENDED_BY_EXIT = 0, ENDED_BY_SIGNAL = 1 };

struct request {
    uint32_t id;
    enum request_kind kind;
    uint8_t flags;
    /* `word_count` strings, one behind the other; they point into what was decoded. */
    const char *words;
    size_t word_count;
};

/* Reads the request that begins at `data`. Returns the bytes that it takes, 0 when there is more to come, -1 when it
 * is none. */
long request_decode(const char *data, size_t length, struct request *request);

/* Writes the head of a result of which `said` bytes follow. */
void result_encode(char head[RESULT_HEADER], uint32_t id, enum ending ending, uint32_t value, size_t said);

#endif
