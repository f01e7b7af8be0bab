/* Does what a frame of the core asks for. */
#ifndef FSB_DISPATCH_H
#define FSB_DISPATCH_H

#include "frame.h"

struct guest;

/* On an error *reason says what is wrong, and the connection has to end. */
enum error_code dispatch(struct guest *guest, const struct core_frame *frame, const char **reason);

#endif
