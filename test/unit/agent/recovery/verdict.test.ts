import { expect, it } from 'vitest';
import type { InstanceUse, LeaseRecord, SlotRecord } from '../../../../src/core/agent/ledger/records.ts';
import { upgradeInstanceRecord } from '../../../../src/core/agent/ledger/records.ts';
import { verdict } from '../../../../src/core/agent/recovery/verdict.ts';
import type { PoolPolicy } from '../../../../src/core/model/pool/pool.ts';
import type { Shape } from '../../../../src/core/model/sandbox/shape.ts';

const sandbox: InstanceUse = { by: 'sandbox', sandboxId: 's' };
const files: InstanceUse = { by: 'files', sandboxId: 's' };
const lease: InstanceUse = { by: 'lease', lease: {} as LeaseRecord };
const slot = {} as SlotRecord;
const ended = { end: { kind: 'exited' } } as SlotRecord;
const plain: Pick<PoolPolicy, 'warmup' | 'reuse'> = { warmup: [], reuse: 'one-shot' };
const sticky = { ...plain, reuse: 'sticky' as const };
const shape = {} as Shape;
const warming = { ...plain, warmup: ['true'] };

it.each([
  ['idle', undefined, undefined, plain, 'keep-idle'],
  ['idle, in a pool with a warm-up command', undefined, undefined, warming, 'destroy'],
  ['had by a sandbox', sandbox, slot, plain, 'take-up'],
  ['had by a sandbox, its slot never written', sandbox, undefined, plain, 'destroy'],
  ['had by a sandbox, its end recorded, its teardown cut short', sandbox, ended, plain, 'keep-files'],
  ['its files kept, and being booted again', files, undefined, plain, 'keep-files'],
  ['had by a sandbox, in a pool with a warm-up command', sandbox, slot, warming, 'take-up'],
  ['had by a sandbox, in a sticky pool', sandbox, slot, sticky, 'take-up'],
  ['had by a sandbox that has ended, in a sticky pool', sandbox, ended, sticky, 'destroy'],
  ['its files kept, from before its pool was sticky', files, undefined, sticky, 'keep-files'],
  ['leased', lease, undefined, plain, 'take-up'],
  ['in a one-shot run', { by: 'run' } as const, undefined, plain, 'destroy'],
  ['being given back', { by: 'nobody' } as const, undefined, plain, 'destroy'],
] as const)('%s -> %5$s', (_, use, found, policy, expected) => {
  expect(verdict(true, { use, shape }, found, policy)).toBe(expected);
});

it.each([
  ['idle', undefined, undefined, 'destroy'],
  ['had by a sandbox', sandbox, slot, 'keep-files'],
  ['had by a sandbox, its slot never written', sandbox, undefined, 'destroy'],
  ['only its files', files, undefined, 'keep-files'],
  ['leased', lease, undefined, 'destroy'],
] as const)('dead, %s -> %3$s', (_, use, found, expected) => {
  expect(verdict(false, { use, shape }, found, plain)).toBe(expected);
});

it.each([
  ['had by a sandbox of a sticky pool', shape, sticky, 'destroy'],
  ['the same, begun with files of its own', { ...shape, again: 'i' }, sticky, 'keep-files'],
  ['had by a sandbox of a pool that cannot be read', shape, undefined, 'keep-files'],
] as const)('dead, %s -> %4$s', (_, of, policy, expected) => {
  for (const found of [slot, ended])
    expect(verdict(false, { use: sandbox, shape: of }, found, policy)).toBe(expected);
});

it.each([true, false])(
  'keeps the files that a sandbox began with whose slot was never written (alive: %s)',
  (alive) => {
    const again = { ...shape, again: 'i' };
    expect(verdict(alive, { use: sandbox, shape: again }, undefined, plain)).toBe('keep-files');
  },
);

it('knows the records of the layout before, which had one pool', () => {
  const shape = {};
  expect(upgradeInstanceRecord({ shape }, 1)).toEqual({ shape, pool: 'default-pool' });
  expect(upgradeInstanceRecord({ shape, sandboxId: 's' }, 1)).toEqual({
    shape,
    pool: 'default-pool',
    use: sandbox,
  });
  expect(upgradeInstanceRecord({}, 7)).toBeUndefined();
});
