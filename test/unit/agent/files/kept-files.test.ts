import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Holder } from '../../../../src/core/agent/pools/held-instance.ts';
import type { Shape } from '../../../../src/core/model/sandbox/shape.ts';
import { defaultResources } from '../../../../src/core/model/sandbox/shape.ts';
import { createNodeWorld, type NodeWorld } from '../../../helpers/core/node-world.ts';
import { settle } from '../../../helpers/manual-clock.ts';

const shape: Shape = {
  ...{ image: 'sha256:host', runtime: 'fake', resources: defaultResources },
  ...{ network: 'none', mounts: [] },
};
const holder: Holder = { name: 'sandbox default/box', end: async () => {} };

let world: NodeWorld;
beforeEach(async () => {
  world = await createNodeWorld({ capacity: { min: 0, buffer_min: 0, buffer_max: 0 } });
  await world.open();
});
afterEach(() => world.pools.close());

const claim = (again?: string) =>
  world.pools
    .require('default-pool')
    .claim({ shape: again === undefined ? shape : { ...shape, again }, image: 'host' }, holder);

/** A sandbox that ran, and has ended. */
async function ended(sandboxId = 's'): Promise<string> {
  const held = await claim();
  await held.use({ by: 'sandbox', sandboxId });
  await held.giveBack({ filesFor: sandboxId });
  return held.instance.id;
}

describe('what was written in an instance', () => {
  it('stays when it goes, on record as its sandbox’s, and goes when that is forgotten', async () => {
    const id = await ended();
    expect(world.fake.instances).not.toContain(id);
    expect(world.fake.files).toContain(id);
    expect(world.ledger.get(id)).toMatchObject({ use: { by: 'files', sandboxId: 's' } });
    await world.recording.files.discard('s');
    expect(world.fake.files).not.toContain(id);
    expect(world.ledger.get(id)).toBeUndefined();
  });

  it('lies over its image all the while that the instance goes, too', async () => {
    const { files } = world.recording;
    const held = await claim();
    await held.use({ by: 'sandbox', sandboxId: 's' });
    const gone = held.giveBack({ filesFor: 's' });
    expect(files.ownersOn(shape.image)).toEqual(['s']);
    await gone;
    expect([files.ownersOn(shape.image), files.ownersOn('sha256:other')]).toEqual([['s'], []]);
    await files.discard('s');
    expect(files.ownersOn(shape.image)).toEqual([]);
  });

  it('goes with it when nobody wants it', async () => {
    const held = await claim();
    await held.use({ by: 'sandbox', sandboxId: 's' });
    await held.giveBack({});
    expect(world.fake.files).not.toContain(held.instance.id);
    expect(world.ledger.get(held.instance.id)).toBeUndefined();
  });

  it.each(['files', 'record'])(
    'goes with the second try when its %s cannot be removed at first',
    async (what) => {
      const id = await ended();
      const { files } = world.recording;
      const { instances } = world.tables;
      if (what === 'files') world.fake.script('destroy', { fail: 'busy' });
      else vi.spyOn(instances, 'remove').mockRejectedValueOnce(new Error('busy'));
      await expect(files.discard('s')).rejects.toThrow('busy');
      expect(files.of('s')).toBe(id);
      await files.discard('s');
      expect([world.fake.files.includes(id), world.ledger.get(id), files.of('s')]).toEqual([
        false,
        undefined,
        undefined,
      ]);
    },
  );

  it('is there again in an instance with the same id, for another sandbox', async () => {
    const id = await ended('old');
    expect(await world.recording.files.handOver('old', 'new')).toBe(id);
    const held = await claim(id);
    expect(held.instance.id).toBe(id);
    expect(held.hit).toBe(false);
    await held.use({ by: 'sandbox', sandboxId: 'new' });
    // The old one has nothing any more that could be taken away.
    await world.recording.files.discard('old');
    expect(world.fake.instances).toContain(id);
    await held.giveBack({ filesFor: 'new' });
    expect(world.ledger.get(id)).toMatchObject({ use: { by: 'files', sandboxId: 'new' } });
    expect(world.fake.files).toContain(id);
  });

  it('has on record where the log is that goes with it, until that has come', async () => {
    const id = await ended('old');
    const { files } = world.recording;
    const recorded = () => world.ledger.get(id)?.use;
    await files.handOver('old', 'new');
    expect(recorded()).toEqual({ by: 'files', sandboxId: 'new', logOf: 'old' });
    await files.handOver('new', 'third');
    expect(recorded()).toEqual({ by: 'files', sandboxId: 'third', logOf: 'old' });
    expect([files.logOf('third'), files.hasLog('old'), files.hasLog('new')]).toEqual(['old', true, false]);
    files.logCame('third');
    expect([files.logOf('third'), files.hasLog('old')]).toEqual(['third', false]);
    await files.settle(id);
    expect(recorded()).toEqual({ by: 'files', sandboxId: 'third' });
  });

  it('is whose the record says, also when that of another one cannot be written', async () => {
    const id = await ended('old');
    const { files } = world.recording;
    const put = vi.spyOn(world.tables.instances, 'put').mockRejectedValueOnce(new Error('the disk is full'));
    await expect(files.handOver('old', 'new')).rejects.toThrow('the disk is full');
    put.mockRestore();
    expect([files.of('old'), files.of('new'), files.logOf('old')]).toEqual([id, undefined, 'old']);
    expect(world.ledger.get(id)?.use).toEqual({ by: 'files', sandboxId: 'old' });
    expect(await files.handOver('old', 'new')).toBe(id);
  });

  it('knows where the log is also after a boot for something else', async () => {
    const id = await ended('old');
    await world.recording.files.handOver('old', 'new');
    const held = await claim(id);
    await held.giveBack({ filesFor: 'new' });
    expect(world.ledger.get(id)?.use).toEqual({ by: 'files', sandboxId: 'new', logOf: 'old' });
  });

  it('stays when such an instance does not boot', async () => {
    const id = await ended('old');
    await world.recording.files.handOver('old', 'new');
    world.fake.always('boot', { fail: 'no room on the node' });
    const failing = expect(claim(id)).rejects.toMatchObject({ code: 'run_failed' });
    for (let turn = 0; turn < 20; turn++) await world.clock.advance(1_000);
    await failing;
    expect(world.fake.files).toContain(id);
    expect(world.ledger.get(id)).toMatchObject({ use: { by: 'files', sandboxId: 'new' } });
  });

  it('waits until the instance is really gone: another try to destroy it would destroy the next one', async () => {
    const held = await claim();
    await held.use({ by: 'sandbox', sandboxId: 's' });
    const { id } = held.instance;
    world.fake.script('destroy', { fail: 'a process hangs' });
    await held.giveBack({ filesFor: 's' }).catch(() => {});
    const refused = claim(id);
    await expect(refused).rejects.toMatchObject({ code: 'conflict' });
    await world.clock.advance(60_000);
    expect(world.fake.instances).not.toContain(id);
    const next = await claim(id);
    await world.clock.advance(60_000);
    expect(next.instance.state).toBe('claimed');
    await next.giveBack({ filesFor: 's' });
  });

  it('is never in an idle instance, nor kept warm', async () => {
    const id = await ended();
    const held = await claim(id);
    await held.giveBack({ filesFor: 's' });
    await settle();
    expect(world.fake.instances).not.toContain(id);
    expect(world.fake.callsOf('boot').filter((booted) => booted === id)).toHaveLength(2);
    // Nor does the status of its pool get a row for every start.
    expect(world.pools.require('default-pool').status()).toHaveLength(1);
  });

  it('is the next one’s where instances are used again', async () => {
    await world.admin.update('default-pool', { policy: { reuse: 'sticky' } });
    await ended();
    expect(world.recording.files.entries()).toEqual([]);
  });

  it('stays in one that began with it, also where others are used again', async () => {
    const id = await ended();
    await world.admin.update('default-pool', { policy: { reuse: 'sticky' } });
    const held = await claim(id);
    await held.use({ by: 'sandbox', sandboxId: 's' });
    await held.giveBack({ filesFor: 's' });
    expect(world.fake.files).toContain(id);
    expect(world.ledger.get(id)).toMatchObject({ use: { by: 'files', sandboxId: 's' } });
  });
});
