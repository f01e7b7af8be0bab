import { FsbError } from '../../model/failure/errors.ts';
import type { Launch } from '../launch.ts';

/** A slow disk may have gigabytes of others to write, too. */
const TIMEOUT_MS = 60 * 60 * 1000;

/** Layers must be on the disk before an image says that it has them: a power cut would leave empty files. */
export async function flushToDisk(directory: string, launch: Launch): Promise<void> {
  const { code, stderr } = await launch(['run', 'sync', '--file-system', directory], {
    timeoutMs: TIMEOUT_MS,
  });
  if (code !== 0)
    throw new FsbError('internal', `cannot write the layers to disk: ${stderr.trim() || 'sync failed'}`);
}
