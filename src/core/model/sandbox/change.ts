import { z } from 'zod';
import { FsbError } from '../failure/errors.ts';
import { resourceFlags, withFlag } from '../failure/flag-names.ts';
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
});

const changeFlags = {
  expireTime: '--expire-time',
  ttl: '--ttl',
  failurePolicy: '--failure-policy',
  recoveryTimeoutSeconds: '--recovery-timeout',
  labels: '--label',
  ...resourceFlags,
};

/** Checked; sizes in bytes, milliseconds. What is left out stays. */
export type CheckedChange = z.output<typeof changeSchema>;

/** @throws invalid_argument that names every wrong key and value */
export function readChange(input: unknown): CheckedChange {
  const result = changeSchema.safeParse(input);
  if (!result.success) {
    const known = [...Object.keys(changeSchema.shape), ...specKeys];
    const { lines, ...rest } = describeIssues(result.error.issues, known);
    const named = lines.map((line) => withFlag(line, changeFlags));
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
