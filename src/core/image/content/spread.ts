import { mkdir } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Launch } from '../launch.ts';

const TIMEOUT_MS = 10_000;

/**
 * Makes a directory in which large trees come and go, if it is not there: ext4 is told to give each of them a place of its
 * own (docs/decisions/launcher.md). That it cannot be told makes nothing worse than slow.
 */
export async function makeSpread(directory: string, launch: Launch, log: Logger): Promise<void> {
  if ((await mkdir(directory, { recursive: true })) === undefined) return;
  try {
    const { code, stderr } = await launch(['spread', directory], { timeoutMs: TIMEOUT_MS });
    if (code !== 0) log.warn({ directory, stderr }, 'cannot spread a directory over the disk');
  } catch (error) {
    log.warn({ err: error, directory }, 'cannot spread a directory over the disk');
  }
}
