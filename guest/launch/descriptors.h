/* Descriptors that came along by mistake: of the shell that started the core, say `200>FILE` for a flock. */
#ifndef FSB_DESCRIPTORS_H
#define FSB_DESCRIPTORS_H

/* Closes all from `first` on. */
void close_from(int first);

#endif
