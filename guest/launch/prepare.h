/* The files of an instance on the node, before anything is mounted. */
#ifndef FSB_PREPARE_H
#define FSB_PREPARE_H

#include <stdbool.h>

#include "launch.h"

struct file {
    const char *name;
    const char *text;
};

/* Ends this program with EXIT_EXISTS, having made nothing, when there is anything under one of these names. NULL: may be. */
void refuse_existing(const char *layers, const char *bundle);

/*
 * Makes 0, 1 ... in the directory LAYERS with `upper` and `work` in each, and sets the paths of the overlays to them. `again`:
 * takes up those that are there.
 */
void make_layers(const char *layers, bool again, struct overlay *overlays, int count);

/* Writes files into /etc of the first overlay. */
void write_etc(const struct overlay *root, const struct file *files, int count);

/* Makes BUNDLE with an empty `rootfs` and this config.json in it. */
void make_bundle(const char *bundle, const char *config);

#endif
