import type { Interfaces } from '@oclif/core';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { PoolPolicyInput } from '../../core/model/pool/pool-policy.ts';
import { defined, nonEmpty } from '../command/given-only.ts';
import { limitsIn } from '../command/limit-flags.ts';
import type { policyFlags } from './policy-flags.ts';

export type PolicyFlags = Partial<Interfaces.InferredFlags<typeof policyFlags>> & { image?: string };

/** The keys of a policy that the flags give, and no others, as a user would write them in YAML. @throws invalid_argument */
export function policyFromFlags(flags: PolicyFlags): Partial<PoolPolicyInput> {
  return defined({
    size: flags.size,
    warm: warmEntries(flags),
    capacity: nonEmpty(
      defined({
        min: flags.min,
        max: flags.max,
        buffer_min: flags['buffer-min'],
        buffer_max: flags['buffer-max'],
      }),
    ),
    memory_budget: flags['memory-budget'],
    ttl: milliseconds(flags.ttl),
    max_age: milliseconds(flags['max-age']),
    on_empty: flags['on-empty'],
    queue: nonEmpty(defined({ timeout: milliseconds(flags['queue-timeout']) })),
    reuse: flags.reuse,
    pause_idle: flags['pause-idle'],
    resources: nonEmpty(limitsIn(flags)),
    lease_ttl: milliseconds(flags['lease-ttl']),
  });
}

/** In a policy a bare number is seconds. */
const milliseconds = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : `${ms}ms`;

/** The images that a policy is to keep warm, as it names them; not those of which it is to keep none. */
export const warmNames = ({ warm = [] }: { warm?: readonly WarmEntry[] }): string[] =>
  warm.filter(({ count }) => count !== 0).map(({ image }) => image);

interface WarmEntry {
  image: string;
  count?: number;
}

/** Undefined: nothing was said. */
function warmEntries({ image, warm }: PolicyFlags): WarmEntry[] | undefined {
  if (image === undefined && warm === undefined) return undefined;
  const named: WarmEntry[] = image === undefined ? [] : [{ image }];
  const listed = (warm ?? []).flatMap((text) => text.split(',')).map(warmEntry);
  return [...named, ...listed];
}

/** `host=4`; `host` for as many as --size; `host=0` keeps none. */
function warmEntry(text: string): WarmEntry {
  const match = /^([^=\s]+)(?:=(\d+))?$/.exec(text.trim());
  if (!match)
    throw new FsbError('invalid_argument', `invalid --warm ${JSON.stringify(text)}`, {
      hint: 'Write it like host=2, or host=2,alpine=4.',
    });
  const [, image = '', count] = match;
  return count === undefined ? { image } : { image, count: Number(count) };
}
