import { BootPlanner } from './boot-planner.ts';
import { idleCeiling, idleTarget, type SizingInput, type SizingPlan } from './demand.ts';

/** Everything the pool does about its size, decided from counts alone. */
export function planSize(input: SizingInput): SizingPlan {
  const plan: SizingPlan = {
    boots: [],
    trims: [],
    surplus: [],
    retires: [],
    aborts: [],
    overtaken: [],
    blocked: [],
    lacking: [],
    left: { ...input.free },
  };
  dropSurplus(input, plan);
  const planner = new BootPlanner(input, plan);
  planner.serveWaiters();
  planner.refill();
  planner.retire();
  planner.noteOvertaken();
  return plan;
}

/** Leaves `min` unclaimed ones: what is dropped would be booted again as soon as a claimed one ends. */
function dropSurplus({ policy, shapes, waiters }: SizingInput, plan: SizingPlan): void {
  let spare = shapes.reduce((sum, shape) => sum + shape.idle + shape.booting, 0) - policy.min;
  const waiting = countByKey(waiters);
  for (const shape of shapes) {
    if (spare <= 0) return;
    const ceiling = idleCeiling(shape, policy);
    const wantedBoots = Math.max(0, (waiting.get(shape.key) ?? 0) + ceiling - shape.idle);
    const abort = Math.min(spare, Math.max(0, shape.booting - wantedBoots));
    if (abort > 0) plan.aborts.push({ key: shape.key, count: abort });
    const trim = Math.min(spare - abort, Math.max(0, shape.idle - ceiling));
    if (trim > 0) plan.trims.push({ key: shape.key, count: trim });
    spare -= abort + trim;
    const surplus = Math.min(spare, shape.idle - trim - idleTarget(shape, policy));
    if (surplus > 0) plan.surplus.push({ key: shape.key, count: surplus });
    spare -= Math.max(0, surplus);
  }
}

function countByKey(waiters: SizingInput['waiters']): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of waiters) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}
