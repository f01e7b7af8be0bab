import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { KeptFiles } from '../../../../src/core/agent/ledger/kept-files.ts';
import { Ledger } from '../../../../src/core/agent/ledger/ledger.ts';
import type { InstanceRecord, InstanceUse } from '../../../../src/core/agent/ledger/records.ts';
import type { Holder } from '../../../../src/core/agent/pools/held-instance.ts';
import { Holders } from '../../../../src/core/agent/pools/holders.ts';
import type { Instance } from '../../../../src/core/instance/instance.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { PoolPolicy } from '../../../../src/core/model/pool/pool.ts';
import type { Shape } from '../../../../src/core/model/sandbox/shape.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';
import { command, type NodeWorld, openNodeWorld, settle } from '../../../helpers/core/node-world.ts';

const pool = 'default-pool';
const stickyWorld = (max = 1): Promise<NodeWorld> =>
  openNodeWorld({
    reuse: 'sticky',
    warm: [{ image: 'host', count: 1 }],
    capacity: { max, buffer_min: 0, buffer_max: 1 },
  });

const useOf = ({ ledger }: NodeWorld, id: string): InstanceUse['by'] | undefined => ledger.get(id)?.use?.by;

/** A promise, and the way to resolve it. */
function gate(): { passed: Promise<void>; open: () => void } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

describe('an instance that is given back to be used again', () => {
  it('is nobody’s on record before it is scrubbed, and unused only after', async () => {
    const world = await stickyWorld();
    const { id, instance } = await world.leases.lease({ pool });
    expect(useOf(world, instance)).toBe('lease');
    const scrub = gate();
    world.fake.script('scrub', { until: scrub.passed });
    const releasing = world.leases.release(id);
    await settle();
    expect(useOf(world, instance)).toBe('nobody');
    expect(await world.admin.get(pool)).toMatchObject({ idle: 0 });
    scrub.open();
    await releasing;
    expect(world.ledger.get(instance)).toMatchObject({ pool });
    expect(useOf(world, instance)).toBeUndefined();
    expect(await world.admin.get(pool)).toMatchObject({ idle: 1, claimed: 0 });
    expect((await world.leases.lease({ pool })).instance).toBe(instance);
  });

  it('of a run stays a run on record until it is scrubbed', async () => {
    const world = await stickyWorld();
    const session = await world.runs.run({ pool, exec: command('job') });
    const { id } = (await world.admin.get(pool)).instances[0]!;
    const scrub = gate();
    world.fake.script('scrub', { until: scrub.passed });
    await session.close();
    await settle();
    expect(useOf(world, id)).toBe('run');
    scrub.open();
    await settle();
    expect(useOf(world, id)).toBeUndefined();
    expect(await world.admin.get(pool)).toMatchObject({ idle: 1 });
  });

  it('is destroyed when it cannot be said on record that it is nobody’s', async () => {
    const world = await stickyWorld();
    const { id, instance } = await world.leases.lease({ pool });
    const { put } = world.tables.instances;
    world.tables.instances.put = async () => {
      throw new FsbError('no_capacity', 'the disk is full');
    };
    const releasing = world.leases.release(id);
    await settle();
    world.tables.instances.put = put;
    await releasing;
    expect(world.fake.instances).not.toContain(instance);
  });

  it('is destroyed when its holder wants that, and is nobody’s before', async () => {
    const world = await stickyWorld();
    const { id, instance } = await world.leases.lease({ pool });
    const destroyed = gate();
    world.fake.script('destroy', { until: destroyed.passed });
    const releasing = world.leases.release(id, { destroy: true });
    await settle();
    expect(useOf(world, instance)).toBe('nobody');
    destroyed.open();
    await releasing;
    expect(world.fake.instances).not.toContain(instance);
    expect(world.ledger.get(instance)).toBeUndefined();
  });

  it('is not on record as idle while it could not be destroyed', async () => {
    const world = await stickyWorld();
    const { id, instance } = await world.leases.lease({ pool });
    world.fake.script('destroy', { fail: 'busy' });
    await world.leases.release(id, { destroy: true });
    await settle();
    expect(world.fake.instances).toContain(instance);
    expect(useOf(world, instance)).toBe('nobody');
  });

  it('is destroyed when it cannot be scrubbed', async () => {
    const world = await stickyWorld();
    const { id, instance } = await world.leases.lease({ pool });
    world.fake.script('scrub', { fail: 'something does not die' });
    await world.leases.release(id);
    expect(world.fake.instances).not.toContain(instance);
    expect(world.ledger.get(instance)).toBeUndefined();
  });

  it('is on record for its next holder, however late the one before is written off', async () => {
    const ledger = new Ledger(memoryTable<InstanceRecord>());
    const files = new KeptFiles({ ledger, remove: async () => {} });
    await ledger.add('i1', { shape: {} as Shape, pool });
    const scrubbed = gate();
    const slow = {
      policy: { reuse: 'sticky' } as PoolPolicy,
      release: () => scrubbed.passed,
      resize: () => {},
      holds: () => true,
    };
    const holders = new Holders({ pool: slow, ledger, files, log: pino({ level: 'silent' }) });
    const instance = { id: 'i1', shape: {}, failed: new Promise<Error>(() => {}) } as unknown as Instance;
    const holder = (name: string): Holder => ({ name, end: async () => {} });
    const first = holders.hold({ instance, hit: true }, holder('first'));
    await first.use({ by: 'sandbox', sandboxId: 'first' });
    const leaving = first.giveBack();
    const second = holders.hold({ instance, hit: true }, holder('second'));
    await settle();
    await second.use({ by: 'sandbox', sandboxId: 'second' });
    scrubbed.open();
    await leaving;
    expect(ledger.get('i1')!.use).toEqual({ by: 'sandbox', sandboxId: 'second' });
    expect(holders.nameOf('i1')).toBe('second');
    expect([first.fresh, second.fresh]).toEqual([true, false]);
  });

  it('counts commands anew for each holder', async () => {
    const world = await stickyWorld();
    const first = await world.leases.lease({ pool });
    for (const name of ['a', 'b']) await world.leases.exec(first.id, command(name));
    await world.leases.release(first.id);
    const second = await world.leases.lease({ pool });
    expect(second.running).toBe(0);
    await world.leases.exec(second.id, command('c'));
    expect(world.leases.list()).toMatchObject([{ id: second.id, running: 1 }]);
  });

  it('tells its death to the holder of now alone, and collects no listeners', async () => {
    const world = await stickyWorld();
    const before = await world.leases.lease({ pool });
    await world.leases.release(before.id);
    const now = await world.leases.lease({ pool });
    world.fake.killInstance(now.instance);
    await settle();
    expect(world.leases.list()).toEqual([]);
    expect(await world.admin.get(pool)).toMatchObject({ claimed: 0 });
  });
});

describe('an instance that is given back to a one-shot pool', () => {
  it('is nobody’s on record before it is destroyed, so that no lease is revived', async () => {
    const world = await openNodeWorld();
    const { id, instance } = await world.leases.lease({ pool });
    const destroyed = gate();
    world.fake.script('destroy', { until: destroyed.passed });
    const releasing = world.leases.release(id);
    await settle();
    expect(useOf(world, instance)).toBe('nobody');
    destroyed.open();
    await releasing;
    expect(world.ledger.get(instance)).toBeUndefined();
  });
});
