import { z } from 'zod';
import { FsbError } from '../failure/errors.ts';
import { resourceFlags, withFlag } from '../failure/flag-names.ts';
import { describeIssues } from '../failure/issues.ts';
import { isDigest } from '../image/digest.ts';
import { sandboxSpecSchema, specKeys } from '../sandbox/spec.ts';

/** What a lease or a one-shot run asks of its instance, in the words of LeaseRequest. */

const { resources, network, mounts } = sandboxSpecSchema.shape;
const milliseconds = z.number().nonnegative();

const leaseSchema = z.strictObject({
  pool: z.string().min(1, 'must name a pool'),
  image: z.string().min(1, 'must name an image').optional(),
  imageDigest: z.string().refine(isDigest, 'must be sha256: and 64 hexadecimal digits').optional(),
  resources,
  network,
  mounts,
  onEmpty: z.enum(['boot', 'wait', 'fail']).optional(),
  wait: milliseconds.optional(),
  ttl: milliseconds.optional(),
  label: z.string().min(1, 'must not be empty').max(63, 'must be at most 63 characters').optional(),
});

const leaseFlags = {
  pool: '--pool',
  image: '--image',
  ...resourceFlags,
  network: '--network',
  mounts: '--volume',
  onEmpty: '--on-empty',
  wait: '--wait',
  ttl: '--lease-ttl',
};

/** Checked; sizes in bytes. What is not in `resources` is the pool's. */
export type LeaseTerms = z.output<typeof leaseSchema>;

/** @throws invalid_argument that names every wrong key and value */
export function readLeaseRequest(input: unknown): LeaseTerms {
  const result = leaseSchema.safeParse(input);
  if (result.success) return result.data;
  const known = [...Object.keys(leaseSchema.shape), ...specKeys];
  const { lines, ...rest } = describeIssues(result.error.issues, known);
  const named = lines.map((line) => withFlag(line, leaseFlags));
  throw new FsbError('invalid_argument', `invalid request to a pool: ${named.join('; ')}`, rest);
}
