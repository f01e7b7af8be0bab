import { randomBytes } from 'node:crypto';
import { FsbError } from './failure/errors.ts';

export const DEFAULT_NAMESPACE = 'default';
export const DEFAULT_POOL = 'default-pool';

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const NAME_RULE = 'Use 1 to 63 lower-case letters, digits and dashes, with a letter or digit first and last.';

/** 128 random bits as 32 hex digits; ids are never reused. */
export const newSandboxId = (): string => randomBytes(16).toString('hex');

/** `i` and 16 hex digits: short, because it is part of a socket path (107 bytes at most) and a hostname. */
export const newInstanceId = (): string => `i${randomBytes(8).toString('hex')}`;

/** `l` and 16 hex digits. */
export const newLeaseId = (): string => `l${randomBytes(8).toString('hex')}`;

/** The name of a sandbox that was created without one. */
export const newSandboxName = (): string => `sb-${randomBytes(4).toString('hex')}`;

export const isInstanceId = (text: string): boolean => /^i[0-9a-f]{16}$/.test(text);
export const isName = (text: string): boolean => NAME.test(text);

/** @throws invalid_argument, naming `what` ("sandbox name", "namespace") and the rule, or what is known better. */
export function assertName(text: string, what: string, hint = NAME_RULE): void {
  if (isName(text)) return;
  throw new FsbError('invalid_argument', `invalid ${what} ${JSON.stringify(text)}`, { hint });
}

/** Of a call about one thing that does not say which: in protobuf what is left out is empty. @param what as `sandbox` */
export const nothingNamed = (what: string): FsbError =>
  new FsbError('invalid_argument', `no ${what} is named`, { hint: `Say which ${what} is meant.` });

export const nameInUse = (name: string): FsbError =>
  new FsbError('already_exists', `cannot create sandbox ${name}: the name is in use`, {
    hint: `Delete it first with: fsb-ctl delete ${name}`,
  });

/** Whether it may be the beginning of a sandbox id; a shorter one is a name that nobody has. */
export const isIdStart = (text: string): boolean => /^[0-9a-f]{4,32}$/.test(text);

/** How many characters of an id people see. */
export const shortId = (id: string): string => id.slice(0, 12);
