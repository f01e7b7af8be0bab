import pino from 'pino';
import { describe, expect, it } from 'vitest';
import type { InstanceRecord, SlotRecord } from '../../../../src/core/agent/ledger/records.ts';
import type { NamedPool } from '../../../../src/core/agent/pools/named-pool.ts';
import { type TakeUpGround, takeUp } from '../../../../src/core/agent/recovery/take-up.ts';
import type { Instance } from '../../../../src/core/instance/instance.ts';
import type { RuntimeInstance } from '../../../../src/core/runtime/driver.ts';
import { failure } from '../../../helpers/core/controller-world.ts';

/** A sandbox of an earlier core, and in which order this one does what to it. */
function world(answers: boolean) {
  const steps: string[] = [];
  const step =
    <T>(what: string, result?: T) =>
    async (): Promise<T> => {
      steps.push(what);
      return result as T;
    };
  const main = { id: 1, retained: { stdout: 0, stderr: 0 } };
  const instance = {
    channel: { known: [main], resume: () => ({}) },
    suspend: step('suspend'),
    detach: step('detach'),
  } as unknown as Instance;
  const log = { skipTo: step('log read'), offsets: main.retained, close: step('log closed') };
  const run = { execs: { letRun: step('let run') }, changes: { pause: step('run paused') } };
  const ground = {
    recording: { forPool: () => ({ pause: step('pause'), resume: step('resume') }) },
    async adopt(...[, , , answer]: Parameters<TakeUpGround['adopt']>) {
      steps.push(`adopt within ${answer}`);
      if (!answers) throw new Error('the guest does not answer');
      return instance;
    },
    agent: { holderOf: () => ({}), takeUp: () => run },
    logs: { writer: step('log opened', log) },
    images: { resolve: async () => ({ reference: 'host' }) },
    clock: { now: () => 0 },
    log: pino({ level: 'silent' }),
  } as unknown as TakeUpGround;
  const pool = { name: 'p', adopt: () => ({ resize: () => {} }) } as unknown as NamedPool;
  const record = { shape: { image: 'sha256:host' }, use: { by: 'sandbox', sandboxId: 's' } };
  const take = (paused?: true): Promise<boolean> => {
    const slot = { startedAt: 0, paused } as SlotRecord;
    return takeUp({ id: 'i' } as RuntimeInstance, record as InstanceRecord, 's', slot, pool, ground);
  };
  return { steps, take };
}

describe('a sandbox that an earlier core has left paused', () => {
  it('is frozen again as soon as its guest has answered, before anything else', async () => {
    const { steps, take } = world(true);
    expect(await take(true)).toBe(true);
    expect(steps).toEqual([
      ...['resume', 'adopt within 1000', 'suspend'],
      ...['log opened', 'log read', 'let run', 'run paused'],
    ]);
  });

  it('is frozen again after one short try when its guest does not answer', async () => {
    const { steps, take } = world(false);
    expect((await failure(take(true))).message).toContain('does not answer');
    expect(steps).toEqual(['resume', 'adopt within 1000', 'pause']);
  });
});

it('a sandbox that runs is worth more than one try, and nobody freezes it', async () => {
  const { steps, take } = world(false);
  await failure(take());
  expect(steps).toEqual(Array(3).fill('adopt within undefined'));
});
