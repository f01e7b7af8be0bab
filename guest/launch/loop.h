/* Loop devices: files as disks. */
#ifndef FSB_LOOP_H
#define FSB_LOOP_H

enum { LOOP_PATH_SIZE = 32 };

/*
 * Makes a loop device of the file. Returns a descriptor of the device and writes its path. The kernel frees it when
 * nobody has it open or mounted any more.
 */
int attach_loop(int file, const char *name, char device[LOOP_PATH_SIZE]);

#endif
