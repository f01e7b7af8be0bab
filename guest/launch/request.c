#include "request.h"

#include <string.h>

static uint32_t get_u32(const char *data) {
    const unsigned char *bytes = (const unsigned char *)data;
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static void put_u32(char *data, uint32_t value) {
    for (int i = 0; i < 4; i++) data[i] = (char)(value >> (8 * i) & 0xff);
}

static int decode_start(const char *data, size_t length, struct request *request) {
    /* Flags, a first word that is not empty, and the zero byte that ends the last one. */
    if (length < 3 || data[1] == '\0' || data[length - 1] != '\0') return -1;
    request->flags = (uint8_t)data[0];
    if ((request->flags & ~FLAG_LOW_PRIORITY) != 0) return -1;
    request->words = data + 1;
    for (size_t i = 1; i < length; i++) request->word_count += data[i] == '\0';
    return 0;
}

long request_decode(const char *data, size_t length, struct request *request) {
    if (length < 4) return 0;
    size_t size = get_u32(data);
    if (size < REQUEST_HEADER - 4 || size > REQUEST_LONGEST) return -1;
    if (length < 4 + size) return 0;
    size_t rest = size - (REQUEST_HEADER - 4);
    *request = (struct request){.id = get_u32(data + 4), .kind = (enum request_kind)(unsigned char)data[8]};
    switch (request->kind) {
    case REQUEST_START:
        if (decode_start(data + REQUEST_HEADER, rest, request) != 0) return -1;
        break;
    case REQUEST_KILL:
    case REQUEST_HURRY:
        if (rest != 0) return -1;
        break;
    default:
        return -1;
    }
    return (long)(4 + size);
}

void result_encode(char head[RESULT_HEADER], uint32_t id, enum ending ending, uint32_t value, size_t said) {
    put_u32(head, (uint32_t)(RESULT_HEADER - 4 + said));
    put_u32(head + 4, id);
    head[8] = (char)ending;
    put_u32(head + 9, value);
}
