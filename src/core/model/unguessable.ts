import { closeSync, openSync, readSync } from 'node:fs';

/** Random bytes from the kernel, for a command that has no other use for Node's crypto: that takes 1.5 ms to load. */
export function unguessable(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const descriptor = openSync('/dev/urandom', 'r');
  try {
    // All of it at once: the kernel does not cut reads of up to 256 bytes short.
    readSync(descriptor, bytes);
  } finally {
    closeSync(descriptor);
  }
  return bytes;
}
