import { createHash } from 'node:crypto';
import type { CreateRequest } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { assertName, newSandboxId, newSandboxName } from '../../model/ids.ts';
import type { Sandbox } from '../../model/sandbox/sandbox.ts';
import { parseSpec, type SandboxSpec } from '../../model/sandbox/spec.ts';

/** Characters: it is kept with the sandbox. */
const LONGEST_KEY = 255;

/** The record of a sandbox that nothing was done for yet. @throws invalid_argument */
export function newSandbox(
  { namespace, name, spec: input, idempotencyKey, autoRemove, detached }: CreateRequest,
  now: number,
): Sandbox {
  const spec = parseSpec(input);
  assertTimeLeft('invalid sandbox spec: expire_time', spec.expire_time, now);
  assertName(namespace, 'namespace');
  if (name !== '') assertName(name, 'sandbox name');
  assertKey('the idempotency key', idempotencyKey ?? '');
  return {
    id: newSandboxId(),
    namespace,
    name: name || newSandboxName(),
    generation: 1,
    spec,
    state: { phase: 'Pending' },
    node: '',
    endpoints: [],
    createdAt: now,
    expiresAt: 0,
    events: [{ time: now, message: 'created' }],
    ...(idempotencyKey ? { idempotencyKey, requestDigest: requestDigest(spec) } : {}),
    ...(autoRemove && { autoRemove, ...(detached && { detached }) }),
  };
}

/**
 * It would be Expired at once, and nobody means that by it. @param expireTime unix seconds; 0: never
 * @throws invalid_argument
 */
export function assertTimeLeft(what: string, expireTime: number, now: number): void {
  if (expireTime === 0 || expireTime * 1000 > now) return;
  const time = new Date(expireTime * 1000).toISOString();
  throw new FsbError('invalid_argument', `${what} (--expire-time): ${time} is over already`, {
    hint: 'Give a later time in unix seconds, or a ttl, which counts from now on.',
  });
}

/** What callers choose to make themselves understood when they ask again. @throws invalid_argument: too long */
export function assertKey(what: string, { length }: string): void {
  if (length <= LONGEST_KEY) return;
  const message = `${what} has ${length} characters: ${LONGEST_KEY} are the most`;
  throw new FsbError('invalid_argument', message, { hint: 'Use a random one, such as a UUID.' });
}

/** The same for the same spec, however it was written; sha256 in hexadecimal digits. */
export function requestDigest(spec: SandboxSpec): string {
  const inOrder = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return createHash('sha256').update(JSON.stringify(spec, inOrder)).digest('hex');
}
