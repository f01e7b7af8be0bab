import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FsbError } from '../../model/errors.ts';

/** Layers must be on the disk before an image says that it has them: a power cut would leave empty files. */
export async function flushToDisk(directory: string): Promise<void> {
  try {
    await promisify(execFile)('sync', ['--file-system', directory]);
  } catch (cause) {
    throw new FsbError('internal', `cannot write the layers to disk: ${FsbError.from(cause).message}`, {
      cause,
    });
  }
}
