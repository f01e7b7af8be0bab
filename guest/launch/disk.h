/* A writable layer of limited size. */
#ifndef FSB_DISK_H
#define FSB_DISK_H

/* Makes an empty image of so many bytes in LAYERS. It takes no more room than what is written to it. */
void make_disk(const char *layers, const char *bytes);

/*
 * Mounts the image in LAYERS, for this mount namespace alone, and returns where. One that was not unmounted is repaired
 * first. The loop device and the mount end with the last process of the namespace, however it ends.
 */
const char *mount_disk(const char *layers);

#endif
