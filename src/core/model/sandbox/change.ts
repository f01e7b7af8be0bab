import { z } from 'zod';
import { FsbError } from '../failure/errors.ts';
import { specFlags, withFlag } from '../failure/flag-names.ts';
import { describeIssues } from '../failure/issues.ts';
import { LONGEST_DURATION } from '../quantity.ts';
import { failurePolicy, labelKey, sandboxSpecSchema, specKeys, text, unixSeconds } from './spec.ts';

/** A change of a sandbox, in the words of SandboxChange. */

/** Its file system is as large as it was made, and may be full of what it cannot lose. */
const changedResources = sandboxSpecSchema.shape.resources.unwrap().extend({
  disk: z
    .undefined('the disk of a sandbox keeps its size: run another one with the size that you want')
    .optional(),
});

const changeSchema = z.strictObject({
  expireTime: unixSeconds.optional(),
  ttl: z.number().nonnegative().max(LONGEST_DURATION, 'must be at most 36500d').optional(),
  failurePolicy: failurePolicy.optional(),
  recoveryTimeoutSeconds: z.number().int().nonnegative().optional(),
  labels: z.record(labelKey, text.nullable()).optional(),
  resources: changedResources.optional(),
  detached: z.literal(true).optional(),
});

/** Checked; sizes in bytes, milliseconds. What is left out stays. */
export type CheckedChange = z.output<typeof changeSchema>;

/** As users write them, and read them in a spec. */
const KEYS: Record<keyof CheckedChange, string> = {
  expireTime: 'expire_time',
  ttl: 'ttl',
  failurePolicy: 'failure_policy',
  recoveryTimeoutSeconds: 'recovery_timeout_seconds',
  labels: 'labels',
  resources: 'resources',
  detached: 'detached',
};

/** What it changes: `failure_policy`. */
export const keysOf = (change: CheckedChange): string[] =>
  Object.entries(KEYS).flatMap(([key, written]) =>
    change[key as keyof CheckedChange] === undefined ? [] : [written],
  );

const asWritten = ([key, ...rest]: PropertyKey[]): PropertyKey[] =>
  key === undefined ? [] : [KEYS[key as keyof CheckedChange] ?? key, ...rest];

/** @throws invalid_argument that names every wrong key and value */
export function readChange(input: unknown): CheckedChange {
  const result = changeSchema.safeParse(input);
  if (!result.success) {
    const known = [...Object.values(KEYS), ...specKeys];
    const issues = result.error.issues.map((issue) => ({ ...issue, path: asWritten(issue.path) }));
    const { lines, ...rest } = describeIssues(issues, known);
    const named = lines.map((line) => withFlag(line, specFlags));
    throw new FsbError('invalid_argument', `invalid change of a sandbox: ${named.join('; ')}`, rest);
  }
  if (result.data.ttl !== undefined && result.data.expireTime !== undefined)
    throw new FsbError(
      'invalid_argument',
      'invalid change of a sandbox: a ttl and an expire time are both given',
      {
        hint: 'Give one of them.',
      },
    );
  return result.data;
}
