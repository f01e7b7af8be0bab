import type { Autoscale } from '../../model/pool/pool.ts';

/** Fewer claims say nothing about a rate. */
const FEWEST_EVENTS = 3;
/** How much of the decision is the pool's own experience, and how much is what it is told from outside. */
const MISS_SHARE = 0.6;
const PRESSURE_SHARE = 0.4;

export interface ScalingInput {
  policy: Omit<Autoscale, 'enabled'>;
  /** Claims within the window. */
  hits: number;
  misses: number;
  /** As it is now. */
  min: number;
  /** capacity.min and capacity.max of the policy. */
  lowest: number;
  highest: number;
  /** Milliseconds since the last change; Infinity: there was none. */
  sinceChange: number;
  /** 0..1, and how many milliseconds ago it was told. */
  pressure?: { value: number; age: number };
}

/** @returns what `min` is to be: the same when there is nothing to do or too little to go by */
export function scaledMin(input: ScalingInput): number {
  const { policy, hits, misses, min, lowest, highest, sinceChange } = input;
  const events = hits + misses;
  if (events < FEWEST_EVENTS || sinceChange < policy.cooldown) return min;
  const strain = strainOf(misses / events, input);
  if (strain > policy.up) return Math.min(highest, min + Math.max(1, Math.min(misses, policy.maxStep)));
  if (strain < policy.down) return Math.max(lowest, min - 1);
  return min;
}

function strainOf(missRate: number, { policy, pressure }: ScalingInput): number {
  if (pressure === undefined || pressure.age > 2 * policy.window) return missRate;
  return MISS_SHARE * missRate + PRESSURE_SHARE * pressure.value;
}

/** Which shapes `count` instances beyond all targets are for: in proportion to what was missed; none missed: no answer. */
export function shareByMisses(count: number, misses: readonly number[]): number[] {
  const shares = misses.map(() => 0);
  for (let given = 0; given < count; given++) {
    let neediest = -1;
    let most = 0;
    for (const [index, missed] of misses.entries()) {
      const need = missed / (shares[index]! + 1);
      if (need > most) [neediest, most] = [index, need];
    }
    if (neediest < 0) break;
    shares[neediest]! += 1;
  }
  return shares;
}
