import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

/** Random bytes from the kernel, for a command that has no other use for Node's crypto: that takes 1.5 ms to load. */
export function unguessable(length: number, source = '/dev/urandom'): Buffer {
  const bytes = Buffer.alloc(length);
  return readWhole(source, bytes) ? bytes : randomBytes(length);
}

/** Whether there were as many; some places have no devices. */
function readWhole(path: string, bytes: Buffer): boolean {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    return readSync(descriptor, bytes) === bytes.length;
  } catch {
    return false;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
