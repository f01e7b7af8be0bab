import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { FsbError } from '../model/failure/errors.ts';
import { hasStreams } from '../model/failure/has-streams.ts';

/** Exit code of `fsb-launch lock` when somebody else has the lock. */
const HELD = 75;

/** What the system says of a program that is not there, or is none. */
const NO_PROGRAM: ReadonlySet<string | undefined> = new Set(['ENOENT', 'EACCES']);
const BROKEN = 'A program of fsb-ctl itself is missing or broken: fsb-ctl doctor says which.';

export interface CoreLock {
  /** Resolves when the lock was lost without release(): its holder was killed, and another core may take the root. */
  readonly lost: Promise<void>;
  /** Resolves when the lock is free again. Idempotent. */
  release(): Promise<void>;
}

/**
 * One core for each root. The lock is the kernel's (flock), held by a small child whose stdin is a pipe from this
 * process: however the core ends, the pipe closes, the child ends and the lock is free. Node cannot hold a flock itself.
 * @param holder who that is, as far as it is known
 * @throws conflict when another core holds it; run_failed when the helper cannot be started
 */
export async function acquireLock(
  launchBinary: string,
  file: string,
  waitMs: number,
  holder: () => Promise<{ pid: number } | undefined> = async () => undefined,
): Promise<CoreLock> {
  const child = spawn(launchBinary, ['lock', '--wait', String(waitMs), file], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {},
  });
  let complaint = '';
  let failure: NodeJS.ErrnoException | undefined;
  // Before anything else: an error that nobody listens to, as for want of descriptors, would end the core.
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      failure = error;
      resolve(null);
    });
    child.once('exit', (code) => resolve(code));
  });
  if (!hasStreams(child)) {
    await exited;
    throw cannotLock(file, failure);
  }
  child.stdin.on('error', () => {});
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-1000);
  });
  const locked = once(child.stdout, 'data').then(() => 'locked' as const);
  locked.catch(() => {});
  const outcome = await Promise.race([locked, exited]);
  if (outcome === HELD) {
    const pid = (await holder())?.pid;
    const who = pid === undefined ? 'another core' : `another core (pid ${pid})`;
    throw new FsbError('conflict', `${who} runs already: it holds ${file}`, {
      hint: 'Use it, stop it with: fsb-ctl daemon stop, or choose another root with --root.',
    });
  }
  if (outcome !== 'locked')
    throw cannotLock(file, failure ?? (complaint.trim() || `${launchBinary} ended with ${outcome}`));
  // The helper must not keep a core alive that has nothing else to do.
  child.unref();
  let released = false;
  return {
    lost: new Promise((resolve) => {
      void exited.then(() => {
        if (!released) resolve();
      });
    }),
    async release() {
      released = true;
      // Without this the process may end while it waits here, in the middle of what it was doing.
      child.ref();
      // Not by the end of its input: it may be stopped, and has nothing to bring to an end.
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function cannotLock(file: string, why: string | NodeJS.ErrnoException = 'no helper'): FsbError {
  if (typeof why === 'string') return new FsbError('run_failed', `cannot lock ${file}: ${why}`);
  return new FsbError('run_failed', `cannot lock ${file}: ${why.message}`, {
    ...(NO_PROGRAM.has(why.code) && { hint: BROKEN }),
    cause: why,
  });
}
