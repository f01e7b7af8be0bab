import { shareByMisses } from './autoscale.ts';
import { idleTarget, type ShapeDemand, type SizingInput } from './demand.ts';

/** How many idle ones of a shape there are to be, and how many there are or will be. */
export interface Aim {
  shape: ShapeDemand;
  target: number;
  have: number;
}

/**
 * By shape, in their order.
 * @param have how many idle ones of a shape there will be
 * @param begun boots of this plan
 */
export function aimsOf(
  { shapes, policy }: SizingInput,
  have: (shape: ShapeDemand) => number,
  begun: number,
): Aim[] {
  const aims = shapes.map((shape) => ({ shape, target: idleTarget(shape, policy), have: have(shape) }));
  addMinimum(aims, policy.min, begun);
  return aims;
}

/** `min` instances live at least; what the targets leave open goes where claims missed, else to the first warm shape. */
function addMinimum(aims: readonly Aim[], min: number, begun: number): void {
  let expected = begun;
  for (const { shape, target, have } of aims) expected += live(shape) + Math.max(0, target - have);
  const missing = min - expected;
  if (missing <= 0) return;
  const shares = shareByMisses(
    missing,
    aims.map(({ shape }) => shape.misses),
  );
  const first = aims.findIndex(({ shape }) => shape.warm > 0);
  if (first >= 0 && !shares.some((share) => share > 0)) shares[first] = missing;
  for (const [index, share] of shares.entries()) {
    const aim = aims[index]!;
    if (share > 0) aim.target = Math.max(aim.target, aim.have) + share;
  }
}

const live = (shape: ShapeDemand): number => shape.idle + shape.claimed + shape.booting;
