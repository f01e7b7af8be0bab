import { FsbError } from '../../core/model/errors.ts';

export interface PoolFlags {
  warm?: string[];
  max?: number;
  /** Bytes. */
  'memory-budget'?: number;
}

/** The default pool's policy, as a user would write it in YAML, from the flags of `serve` and `daemon start`. */
export function poolFromFlags(flags: PoolFlags): Record<string, unknown> {
  return {
    ...(flags.warm === undefined ? {} : { warm: warmEntries(flags.warm) }),
    ...(flags.max === undefined ? {} : { capacity: { max: flags.max } }),
    ...(flags['memory-budget'] === undefined ? {} : { memory_budget: flags['memory-budget'] }),
  };
}

const warmEntries = (said: string[]): { image: string; count: number }[] =>
  said
    .flatMap((text) => text.split(','))
    .map(warmEntry)
    .filter(({ count }) => count > 0);

/** `host=4`, or `host` for two. `host=0` keeps none. */
function warmEntry(text: string): { image: string; count: number } {
  const match = /^([^=\s]+)(?:=(\d+))?$/.exec(text.trim());
  if (!match)
    throw new FsbError('invalid_argument', `invalid --warm ${JSON.stringify(text)}`, {
      hint: 'Write it like host=2, or host=2,alpine=4.',
    });
  return { image: match[1]!, count: Number(match[2] ?? 2) };
}
