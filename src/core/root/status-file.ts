import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { CoreFacts } from '../api/core-api.ts';
import { diskError } from '../model/failure/disk-failure.ts';

/** What a running core says about itself to those who cannot ask it yet: `core.json` in the run directory. */
export interface CoreStatus extends CoreFacts {
  /** `unix:///run/fsb/fsb.sock` */
  endpoint: string;
  /** `tcp://127.0.0.1:9090`; empty when gRPC is on the unix socket alone. */
  grpc: string;
  /** Why it does not listen on the usual ports, if it was to: `cannot listen on 127.0.0.1:5758: ...` */
  moved?: string;
  /** What the default pool kept warm under the core before, and no longer does: `alpine:3.20=2`. */
  unwarmed?: string[];
}

/** Whole or not at all. @throws no_capacity (the disk is full), unavailable (it cannot be written) */
export async function writeStatus(path: string, status: CoreStatus): Promise<void> {
  const temporary = `${path}.${process.pid}`;
  try {
    await writeFile(temporary, `${JSON.stringify(status, null, 2)}\n`, { mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw diskError(`cannot write ${path}`, error) ?? error;
  }
}

/** Undefined when there is none, or none that can be read. It may be left over from a core that was killed. */
export async function readStatus(path: string): Promise<CoreStatus | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as CoreStatus;
  } catch {
    return undefined;
  }
}

const asideOf = (path: string): string => `${path}.ended`;

/**
 * What a core that did not end in order has said of itself; undefined where the last one did. To be asked while none runs.
 */
export const readEnded = async (path: string): Promise<CoreStatus | undefined> =>
  (await readStatus(path)) ?? (await readStatus(asideOf(path)));

/** Keeps for `readEnded` what a killed core said, where nobody takes it for the next one's. As removeStatus. */
export async function setStatusAside(path: string): Promise<void> {
  await rename(path, asideOf(path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await removeStatus(path);
}

/** Once the next core runs: with the flags of the one before, or with others. */
export const forgetEnded = (path: string): Promise<void> => rm(asideOf(path), { force: true });

/** Also what a core that was killed while it wrote has left. To be called by who holds the lock of the core only. */
export async function removeStatus(path: string): Promise<void> {
  await rm(path, { force: true });
  const temporary = `${basename(path)}.`;
  // The whole directory may have been removed under a running core.
  for (const name of await readdir(dirname(path)).catch(() => []))
    if (name.startsWith(temporary) && /^\d+$/.test(name.slice(temporary.length)))
      await rm(join(dirname(path), name), { force: true });
}
