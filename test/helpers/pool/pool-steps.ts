import fc from 'fast-check';
import type { OnEmpty } from '../../../src/core/model/pool/pool.ts';
import type { Shape } from '../../../src/core/model/sandbox/shape.ts';
import type { FakeStep } from './fake-driver.ts';
import type { FakeCall } from './fake-script.ts';
import { MiB, shapeOfSize } from './pool-world.ts';

/** What a test under random steps does to a pool. */

export const shapes: Shape[] = [
  shapeOfSize('small', 100 * MiB),
  shapeOfSize('other', 100 * MiB),
  shapeOfSize('large', 400 * MiB),
];

export type Step =
  | { do: 'claim'; shape: number; onEmpty: OnEmpty; timeout: number; burst: number }
  | { do: 'release'; index: number; destroy: boolean }
  | { do: 'abort' | 'release-again' | 'kill'; index: number }
  | { do: 'warm'; counts: number[] }
  | { do: 'configure'; policy: Record<string, unknown> }
  | { do: 'stop' | 'drain' | 'start' | 'reset' }
  | { do: 'press'; pressure: number }
  | { do: 'advance'; ms: number }
  | { do: 'script'; call: FakeCall; step: FakeStep };

export interface StepOptions {
  /** Boots fail and hang, instances die. Without them boots and teardowns take their time but always succeed. */
  faults: boolean;
  /** The pool is configured, stopped, drained and started, and instances are used again. */
  powers: boolean;
}

const index = fc.nat(20);

const ordinary: fc.WeightedArbitrary<Step>[] = [
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      shape: fc.nat(shapes.length - 1),
      onEmpty: fc.constantFrom<OnEmpty>('boot', 'boot', 'boot', 'wait', 'fail'),
      timeout: fc.constantFrom(50, 1000, 30_000),
      burst: fc.integer({ min: 1, max: 5 }),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('release' as const),
      index,
      destroy: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('abort' as const, 'release-again' as const), index }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('warm' as const),
      counts: fc.tuple(fc.nat(3), fc.nat(2), fc.nat(1)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 60, 1000, 70_000) }),
  },
  { weight: 2, arbitrary: script(['boot', 'destroy'], [{ delay: 1 }, { delay: 50 }, { delay: 400 }]) },
];

const faulty: fc.WeightedArbitrary<Step>[] = [
  {
    weight: 3,
    arbitrary: script(
      ['boot', 'ping'],
      [{ fail: 'scripted' }, { hang: true }, { delay: 300 }, { delay: 5000, deaf: true }],
    ),
  },
  {
    weight: 2,
    arbitrary: script(['kill', 'connect', 'spawn'], [{ fail: 'scripted' }, { hang: true }, { delay: 300 }]),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill' as const), index }) },
];

const powerful: fc.WeightedArbitrary<Step>[] = [
  { weight: 2, arbitrary: fc.record({ do: fc.constant('configure' as const), policy: policies() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('stop' as const, 'drain' as const, 'reset' as const) }),
  },
  // More often than the two that it undoes: a pool that takes no claims shows little.
  { weight: 3, arbitrary: fc.record({ do: fc.constant('start' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('press' as const), pressure: fc.constantFrom(0, 0.5, 1) }),
  },
  { weight: 2, arbitrary: script(['pause', 'resume', 'scrub', 'run'], [{ delay: 5, exit: { code: 0 } }]) },
];

const faultyPowers: fc.WeightedArbitrary<Step>[] = [
  {
    weight: 2,
    arbitrary: script(['pause', 'resume', 'scrub', 'stats'], [{ fail: 'scripted' }, { hang: true }]),
  },
  { weight: 1, arbitrary: script(['stats'], [{ pids: 2 }, { pids: 0 }]) },
  { weight: 2, arbitrary: script(['run'], [{ exit: { code: 1 } }, { exit: { signal: 9 } }, { delay: 1 }]) },
];

export function stepArbitrary({ faults, powers }: StepOptions): fc.Arbitrary<Step> {
  return fc.oneof(
    ...ordinary,
    ...(faults ? faulty : []),
    ...(powers ? powerful : []),
    ...(faults && powers ? faultyPowers : []),
  );
}

function script(calls: FakeCall[], steps: FakeStep[]): fc.Arbitrary<Step> {
  return fc.record({
    do: fc.constant('script' as const),
    call: fc.constantFrom(...calls),
    step: fc.constantFrom(...steps),
  });
}

/** In the words of a policy file. */
function policies(): fc.Arbitrary<Record<string, unknown>> {
  return fc.record({
    capacity: fc.record({
      min: fc.nat(2),
      max: fc.integer({ min: 2, max: 8 }),
      buffer_min: fc.nat(1),
      buffer_max: fc.integer({ min: 1, max: 3 }),
    }),
    memory_budget: fc.constantFrom('500m', '700m', '1g'),
    reuse: fc.constantFrom('one-shot', 'sticky'),
    pause_idle: fc.boolean(),
    ttl: fc.constantFrom(0, '100ms', '60s'),
    max_age: fc.constantFrom(0, '200ms', '90s'),
    warmup: fc.constantFrom([], ['warm', 'up'], ['warm', 'otherwise']),
    health: fc.constantFrom({ interval: 0 }, { interval: '1s' }, { interval: '30s' }),
    autoscale: fc.record({ enabled: fc.boolean(), cooldown: fc.constantFrom(0, '1s') }),
  });
}
