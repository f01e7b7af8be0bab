import type { PoolPolicy } from '../../model/pool/pool.ts';

/** What the pool knows of the past of an instance. */
export interface Past {
  /** Somebody had it. */
  used: boolean;
  /** The warm-up command that ended well in it, empty when none ran; undefined: nobody knows. */
  warmedUpWith: readonly string[] | undefined;
}

/** Why an instance may not become, or stay, idle under a policy; undefined: it may. */
export function unfit(
  past: Past,
  { reuse, warmup }: Pick<PoolPolicy, 'reuse' | 'warmup'>,
): string | undefined {
  if (past.used && reuse === 'one-shot') return 'it was used before';
  if (warmup.length > 0 && !sameWords(warmup, past.warmedUpWith ?? []))
    return 'the warm-up command did not run in it';
  return undefined;
}

export const sameWords = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((word, index) => word === b[index]);
