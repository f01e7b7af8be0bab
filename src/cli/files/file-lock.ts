import { randomBytes } from 'node:crypto';
import { watch } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { abortable } from '../../core/model/async/abortable.ts';
import type { Clock } from '../../core/model/clock.ts';
import { FsbError } from '../../core/model/failure/errors.ts';

/** Writing a small file takes no longer, even on a slow disk. */
const DEADLINE = 10_000;

/**
 * Does it while no other command of ours changes the file; `FILE.lock` beside it says so to them.
 * @throws unavailable when another one does not come to its end
 */
export async function withFileLock<T>(
  file: string,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
  act: () => Promise<T>,
): Promise<T> {
  const lock = `${file}.lock`;
  const mine = `${hostname()} ${process.pid} ${randomBytes(6).toString('hex')}\n`;
  if (!(await acquire(lock, mine))) await waitFor(lock, mine, { clock, signal });
  try {
    return await act();
  } finally {
    await rm(lock, { force: true });
  }
}

async function waitFor(
  lock: string,
  mine: string,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  const changes = changesBeside(lock, clock);
  try {
    for (let inTime = true; !(await acquire(lock, mine)); ) {
      if (await breakStale(lock)) continue;
      if (!inTime) throw taken(lock);
      inTime = await abortable(changes.next(), signal);
    }
  } finally {
    changes.close();
  }
}

async function acquire(lock: string, mine: string): Promise<boolean> {
  try {
    await writeFile(lock, mine, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** A command that was killed leaves its lock. @returns whether that is away now */
async function breakStale(lock: string): Promise<boolean> {
  const text = await readFile(lock, 'utf8').catch(() => undefined);
  if (text === undefined) return true;
  if (!isOfTheDead(text)) return false;
  const aside = `${lock}.${randomBytes(6).toString('hex')}`;
  try {
    await rename(lock, aside);
    // Somebody else may have been quicker, and it is the new one that was taken away: it goes back.
    if ((await readFile(aside, 'utf8')) !== text) await link(aside, lock);
  } catch {
    // It has gone, or a third one has it.
  } finally {
    await rm(aside, { force: true });
  }
  return true;
}

function isOfTheDead(text: string): boolean {
  const [host, pid] = text.split(' ');
  // A process of another machine, or container, with the same home cannot be seen from here.
  if (host !== hostname() || !/^\d+$/.test(pid ?? '')) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

interface Changes {
  /** At the next change since the last call; false at the deadline. */
  next(): Promise<boolean>;
  close(): void;
}

function changesBeside(file: string, clock: Clock): Changes {
  let [changed, late] = [false, false];
  let wake = (): void => {};
  const note = (): void => {
    changed = true;
    wake();
  };
  const end = (): void => {
    late = true;
    wake();
  };
  const watcher = watch(dirname(file)).on('change', note).on('error', end);
  const cancel = clock.after(DEADLINE, end);
  return {
    async next() {
      if (!changed && !late)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      changed = false;
      return !late;
    },
    close() {
      cancel();
      watcher.close();
    },
  };
}

const taken = (lock: string): FsbError =>
  new FsbError('unavailable', `cannot write ${lock.replace(/\.lock$/, '')}: another command is changing it`, {
    hint: `Try it again; if no other command runs, remove ${lock}.`,
  });
