import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Logger } from 'pino';
import { endsWithin } from '../../model/async/ends-within.ts';
import { noop } from '../../model/async/noop.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import type { Launcher } from './launcher/launcher.ts';

const BATCH = 64;
const REMOVE_TIMEOUT_MS = 60 * 60 * 1000;
const CLOSE_TIMEOUT_MS = 2000;
/** From a failed try to the next: the first, and the longest. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;

/**
 * Directories that were taken out of the way at once are removed in the background; what cannot be removed is tried
 * again. What a core did not get to, the next one removes.
 */
export interface Trash {
  /** A name in the trash to which this directory can be moved. */
  placeFor(path: string): string;
  /** Starts removing whatever is there, also from earlier cores. Returns at once. */
  empty(): void;
  /** Names of the directories, each once, of which something was still there after the last try. */
  readonly stuck: string[];
  /** Gives a running removal two seconds, then leaves the rest to the next core. Idempotent. */
  close(): Promise<void>;
}

export interface TrashOptions {
  launcher: Launcher;
  log: Logger;
  clock: Clock;
}

export function createTrash(directory: string, { launcher, log, clock }: TrashOptions): Trash {
  const closing = new AbortController();
  let work: Promise<void> | undefined;
  let more = false;
  let stuck: string[] = [];
  /** Since the last try that left nothing; 0: none has failed since then. */
  let pause = 0;
  let cancelRetry = noop;

  const empty = (): void => {
    more = true;
    cancelRetry();
    if (work !== undefined || closing.signal.aborted) return;
    work = removeAll()
      .then(() => {
        pause = 0;
      }, tryAgain)
      .finally(() => {
        work = undefined;
        if (more) empty();
      });
  };

  const tryAgain = (error: unknown): void => {
    if (closing.signal.aborted) return;
    // Once for each outage.
    if (pause === 0)
      log.warn({ err: error, directory }, 'cannot remove old writable layers; it is tried again');
    pause = pause === 0 ? FIRST_PAUSE_MS : Math.min(2 * pause, LONGEST_PAUSE_MS);
    cancelRetry = clock.after(pause, empty);
  };

  /** What cannot be removed must not keep the rest. @throws the first reason why something could not, at the end */
  const removeAll = async (): Promise<void> => {
    let failures: unknown[] = [];
    while (more) {
      more = false;
      failures = [];
      const names = await readdir(directory);
      if (names.length > 0) failpoint('trash.found');
      for (let start = 0; start < names.length; start += BATCH)
        await removeTrees(names.slice(start, start + BATCH).map((name) => join(directory, name))).catch(
          (error: unknown) => {
            if (closing.signal.aborted) throw error;
            failures.push(error);
          },
        );
      stuck = failures.length === 0 ? [] : (await readdir(directory)).filter((name) => names.includes(name));
    }
    if (failures.length > 0) throw failures[0];
  };

  // rm walks by descriptors: a guest can nest directories deeper than any path may be long, where fs.rm gives up.
  const removeTrees = async (paths: string[]): Promise<void> => {
    const options = { timeoutMs: REMOVE_TIMEOUT_MS, signal: closing.signal, lowUntil: closing.signal };
    const { code, stderr } = await launcher.run(['run', 'rm', '-rf', '--', ...paths], options);
    if (code !== 0)
      throw new FsbError('internal', `rm failed in ${directory}: ${stderr.trim().slice(0, 500)}`);
  };

  return {
    placeFor: (path) => join(directory, `${basename(path)}-${randomBytes(6).toString('hex')}`),
    empty,
    get stuck() {
      return [...new Set(stuck.map((name) => name.slice(0, name.lastIndexOf('-'))))];
    },
    async close() {
      cancelRetry();
      if (work !== undefined) await endsWithin(clock, CLOSE_TIMEOUT_MS, work);
      // Not waited for: the launcher, which has to kill it, may be what does not answer.
      closing.abort();
    },
  };
}
