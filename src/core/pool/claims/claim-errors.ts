import { type ErrorBody, type ErrorCode, FsbError } from '../../model/failure/errors.ts';
import type { PoolPolicy } from '../../model/pool/pool.ts';
import { formatDuration, formatSize } from '../../model/quantity.ts';
import { shellWords } from '../../model/shell-words.ts';
import type { Budget, Room } from '../budget.ts';
import type { Breaker } from '../decide/breaker.ts';
import type { ShapeRecord } from '../shapes/shape-record.ts';

/** Why a claim is refused, in the words that its caller is told. */

export const closedError = (pool: string): FsbError =>
  new FsbError('unavailable', `pool ${pool} is closed`, { hint: 'The core is going away; try again.' });

const updateLine = (pool: string): string => `fsb-ctl pool update ${pool}`;

/** It says all that is to be kept warm. */
const warmFlag = (entries: PoolPolicy['warm']): string =>
  shellWords(['--warm', entries.map(({ image, count }) => `${image}=${count}`).join(',')]);

export const moreMemory = (instead: string, pool: string): string =>
  `${instead}, or give the pool more: ${updateLine(pool)} --memory-budget SIZE`;

export const drainedError = (pool: string): FsbError =>
  new FsbError('conflict', `pool ${pool} is drained: it takes no claims`, {
    hint: `Start it again with: fsb-ctl pool start ${pool}`,
  });

/** The true reason of a boot, as the caller of a claim is told it. */
export function bootError(record: ShapeRecord, cause: FsbError): FsbError {
  const { hint, message } = cause;
  return new FsbError(bootCode(cause), `cannot boot ${record.image}: ${message}`, { hint, cause });
}

/** A disk that is full or broken is no fault of the runtime, and somebody can do something about it. */
const bootCode = ({ code }: ErrorBody): ErrorCode =>
  code === 'no_capacity' || code === 'unavailable' ? code : 'run_failed';

/** The hint is that of the last boot: only it knows the way out, as where files that it was to go on with are gone. */
export function openBreakerError(record: ShapeRecord): FsbError {
  const { failures, delay, failure } = record.boots as Breaker & { failure: ErrorBody };
  const code = bootCode(failure);
  const when = `${failures} failures in a row; not tried again for ${formatDuration(delay)}`;
  return new FsbError(code, `cannot boot ${record.image}: ${failure.message} (${when})`, {
    hint: failure.hint ?? (code === 'run_failed' ? 'See what is missing with: fsb-ctl doctor' : undefined),
  });
}

export const queueFullError = (pool: string, waiting: number): FsbError =>
  new FsbError('no_capacity', `the queue of pool ${pool} is full: ${waiting} wait`, {
    hint: 'Try again later, or raise queue.length of the pool.',
  });

export const nothingIdleError = (pool: string, record: ShapeRecord): FsbError =>
  new FsbError('no_capacity', `pool ${pool} has no idle instance of ${record.image}`, {
    hint: `Have one booted: ${updateLine(pool)} --on-empty boot, or wait for one: ${updateLine(pool)} --on-empty wait`,
  });

/** `memory`: bytes of one instance. Undefined: one instance of it can fit. */
export function neverFitsError(
  policy: PoolPolicy,
  budget: Budget,
  { image, memory }: { image: string; memory: number },
): FsbError | undefined {
  if (budget.everFits(memory)) return undefined;
  const { name, memoryBudget } = policy;
  return new FsbError(
    'no_capacity',
    `an instance of ${image} takes ${formatSize(memory)}, but pool ${name} has ${formatSize(memoryBudget)} in all`,
    { hint: moreMemory('Ask for less memory', name) },
  );
}

/** Bytes: how many more are asked for, and how many there are. */
export const noRoomError = (pool: string, more: number, free: number): FsbError =>
  new FsbError(
    'no_capacity',
    `pool ${pool} has ${formatSize(Math.max(0, free))} of memory left, but ${formatSize(more)} more are asked for`,
    { hint: moreMemory('Ask for less, delete a sandbox', pool) },
  );

export const notKeptError = ({ name, warm }: PoolPolicy, { image }: ShapeRecord): FsbError =>
  new FsbError('no_capacity', `pool ${name} keeps no instance of ${image} warm`, {
    hint: `Have one booted: ${updateLine(name)} --on-empty boot, or keep it warm: ${updateLine(name)} ${warmFlag([...warm, { image, count: 1 }])}`,
  });

export const keptWarmError = ({ name, warm }: PoolPolicy, image: string): FsbError => {
  const others = warm.filter((entry) => entry.image !== image);
  return new FsbError('conflict', `pool ${name} keeps image ${image} warm`, {
    hint: `Keep none of it warm first: ${updateLine(name)} ${warmFlag(others.length > 0 ? others : [{ image, count: 0 }])}`,
  });
};

export function timeoutError(
  policy: PoolPolicy,
  used: Readonly<Room>,
  record: ShapeRecord,
  timeout: number,
): FsbError {
  const { name, capacity, memoryBudget } = policy;
  const state = `${used.count} of at most ${capacity.max} instances live, ${formatSize(used.memory)} of ${formatSize(memoryBudget)} memory`;
  const { failure } = record.boots;
  const last = failure === undefined ? '' : `; the last boot failed: ${failure.message}`;
  return new FsbError(
    'no_capacity',
    `no instance of ${record.image} came within ${formatDuration(timeout)}: pool ${name} has ${state}${last}`,
    {
      hint: `Delete a sandbox, wait longer, or raise its limit: ${updateLine(name)} ${limitOf(policy, used)}`,
      // Who tells a wait that ended from a refusal looks at this.
      cause: new FsbError('timeout', `waited for ${formatDuration(timeout)}`),
    },
  );
}

/** The flag of the limit that holds claims back. How much memory may be given away, only its owner knows. */
const limitOf = ({ capacity }: PoolPolicy, { count }: Readonly<Room>): string =>
  count >= capacity.max ? `--max ${2 * capacity.max}` : '--memory-budget SIZE';

export const notHeldError = (pool: string, instance: string): FsbError =>
  new FsbError('conflict', `instance ${instance} is not held by this claim on pool ${pool}`, {
    hint: 'It was given back before, or it was claimed elsewhere.',
  });
