import { beforeEach, describe, expect, it } from 'vitest';
import type { FilesRequest } from '../../../../src/core/api/agent-api.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { PoolPolicyInput } from '../../../../src/core/model/pool/pool-policy.ts';
import type { ProcessSession } from '../../../../src/core/model/process.ts';
import { defaultResources, type Shape } from '../../../../src/core/model/sandbox/shape.ts';
import { parseSpec } from '../../../../src/core/model/sandbox/spec.ts';
import { failure } from '../../../helpers/core/controller-world.ts';
import { command, createNodeWorld, type NodeWorld } from '../../../helpers/core/node-world.ts';
import { gate as makeGate } from '../../../helpers/gate.ts';
import { settle } from '../../../helpers/manual-clock.ts';

const shape: Shape = {
  ...{ image: 'sha256:host', runtime: 'fake', resources: defaultResources },
  ...{ network: 'none', mounts: [] },
};
const files: FilesRequest = {
  ...{ sandboxId: 's', claimName: 'default/box' },
  spec: parseSpec({ image: 'host', network: 'host' }),
};
const tool = command('stat', '/');
const LINGER = 1_000;

let world: NodeWorld;
/** The instance in which the sandbox was. */
let id: string;
/** Those of its pool. */
let timers: number;

async function open(said: Partial<PoolPolicyInput> = {}): Promise<void> {
  world = await createNodeWorld({ capacity: { min: 0, buffer_min: 0, buffer_max: 0 }, ...said });
  await world.open();
  const held = await world.pools
    .require('default-pool')
    .claim({ shape, image: 'host' }, { name: 'sandbox default/box', end: async () => {} });
  await held.use({ by: 'sandbox', sandboxId: 's' });
  await held.giveBack({ filesFor: 's' });
  id = held.instance.id;
  timers = world.clock.pending;
}

const run = (signal?: AbortSignal): Promise<ProcessSession> => world.helpers.exec(files, tool, { signal });
/** Its output is read, and it has ended. */
async function ends(session: ProcessSession): Promise<void> {
  session.signal(9);
  for await (const _ of session.output);
  await session.exited;
}
const boots = (): number => world.fake.callsOf('boot').filter((booted) => booted === id).length - 1;
const lives = (): boolean => world.fake.instances.includes(id);
/** What a core that comes now finds. */
const onRecord = (): unknown => world.ledger.get(id)?.use;
const KEPT = { by: 'files', sandboxId: 's' };
const HANDED = { by: 'files', sandboxId: 'next', logOf: 's' };

beforeEach(() => open());

describe('tools on the files of an ended sandbox', () => {
  it('run in an instance of its own, which is on record as nothing but files', async () => {
    const session = await run();
    expect([lives(), boots(), onRecord()]).toEqual([true, 1, KEPT]);
    expect(world.ledger.get(id)).toMatchObject({ shape: { again: id, network: 'none', toolsOnly: true } });
    expect(world.pools.usersOf('sha256:host')).toEqual(['sandbox default/box']);
    await ends(session);
    await world.clock.advance(LINGER - 1);
    expect(lives()).toBe(true);
    await world.clock.advance(1);
    expect([lives(), world.fake.files.includes(id), onRecord()]).toEqual([false, true, KEPT]);
    expect(world.clock.pending).toBe(timers);
  });

  it('share it, at once and one after the other', async () => {
    const [one, two] = await Promise.all([run(), run()]);
    await ends(one!);
    await world.clock.advance(5 * LINGER);
    expect(lives()).toBe(true);
    await ends(two!);
    await world.clock.advance(LINGER - 1);
    const three = await run();
    await world.clock.advance(5 * LINGER);
    await ends(three);
    await world.clock.advance(LINGER);
    expect([lives(), boots()]).toEqual([false, 1]);
  });

  it('come in another one when it is just going', async () => {
    await ends(await run());
    const gate = makeGate();
    world.fake.script('destroy', { until: gate.promise });
    await world.clock.advance(LINGER);
    const next = run();
    await settle();
    expect(boots()).toBe(1);
    gate.open();
    await ends(await next);
    expect(boots()).toBe(2);
  });

  it('are counted until their output is delivered, or their caller lets go', async () => {
    const session = await run();
    session.signal(9);
    await session.exited;
    await world.clock.advance(5 * LINGER);
    expect(lives()).toBe(true);
    await session.close();
    await session.close();
    await world.clock.advance(LINGER);
    expect(lives()).toBe(false);
  });

  it('do not keep it when their caller leaves before it has booted', async () => {
    const gate = makeGate();
    world.fake.script('boot', { until: gate.promise });
    const leaving = new AbortController();
    const failed = failure(run(leaving.signal));
    await settle();
    leaving.abort();
    expect((await failed).code).toBe('cancelled');
    gate.open();
    await world.clock.advance(LINGER);
    expect([lives(), onRecord()]).toEqual([false, KEPT]);
    expect(world.fake.files).toContain(id);
  });

  it('fail with what its boot failed with, and the next ones try again', async () => {
    world.fake.always('boot', { fail: 'no room on the node' });
    const failed = failure(run());
    for (let turn = 0; turn < 20; turn++) await world.clock.advance(1_000);
    expect((await failed).code).toBe('run_failed');
    world.fake.always('boot', {});
    await world.clock.advance(60_000);
    await ends(await run());
    expect(onRecord()).toEqual(KEPT);
  });

  it('fail when it dies, and the files stay', async () => {
    const session = await run();
    const failed = failure(session.exited);
    world.fake.killInstance(id);
    expect((await failed).code).toBe('run_failed');
    await settle();
    expect([lives(), onRecord()]).toEqual([false, KEPT]);
    await ends(await run());
  });

  it('need files', async () => {
    await world.helpers.discard('s');
    expect(await failure(run())).toMatchObject({
      code: 'conflict',
      message: 'sandbox default/box has ended, and has no files',
    });
  });

  it('are not begun when it cannot be written that there is nothing but files', async () => {
    world.tables.instances.put = async () => {
      throw new FsbError('no_capacity', 'the disk is full');
    };
    expect((await failure(run())).code).toBe('no_capacity');
    expect(boots()).toBe(0);
  });

  it('are preceded by no warm-up command, and keep files whatever the pool does with others', async () => {
    await world.admin.update('default-pool', { policy: { reuse: 'sticky', warmup: ['make'] } });
    await ends(await run());
    expect(world.fake.callsOf('spawn').filter((where) => where === id)).toHaveLength(1);
    await world.clock.advance(LINGER);
    expect([lives(), onRecord()]).toEqual([false, KEPT]);
    expect(world.recording.files.of('s')).toBe(id);
  });

  it('run where claims boot nothing', async () => {
    await world.admin.update('default-pool', { policy: { on_empty: 'fail' } });
    await ends(await run());
  });

  it('end by force when the pool is drained', async () => {
    const session = await run();
    const failed = failure(session.exited);
    const draining = world.admin.drain('default-pool', { timeout: 10, force: true });
    await world.clock.advance(10);
    await draining;
    expect(await failed).toMatchObject({ code: 'conflict', message: expect.stringContaining('emptied') });
    expect([lives(), onRecord()]).toEqual([false, KEPT]);
  });

  it('end with the core, and none begins after that', async () => {
    const session = await run();
    const failed = failure(session.exited);
    await world.helpers.close();
    expect((await failed).code).toBe('unavailable');
    expect([lives(), onRecord()]).toEqual([false, KEPT]);
    expect((await failure(run())).code).toBe('unavailable');
    expect(world.clock.pending).toBe(timers);
  });
});

describe('the files of an ended sandbox', () => {
  it('are removed under the tools, whose callers hear why', async () => {
    const session = await run();
    const told = [failure(session.exited), failure(session.output[Symbol.asyncIterator]().next())];
    await world.helpers.discard('s');
    for (const error of await Promise.all(told))
      expect(error).toMatchObject({ code: 'conflict', message: expect.stringContaining('deleted or reset') });
    expect([lives(), world.fake.files.includes(id), onRecord()]).toEqual([false, false, undefined]);
    expect(world.clock.pending).toBe(timers);
  });

  it.each(['claimed', 'booting'])('are removed when a tool waits for the instance: %s', async (when) => {
    const gate = makeGate();
    world.fake.script(when === 'booting' ? 'boot' : 'ping', { until: gate.promise });
    const failed = failure(run());
    await settle();
    const discarding = world.helpers.discard('s');
    // A check of the instance has a deadline.
    await world.clock.advance(1_000);
    expect((await failed).code).toBe('conflict');
    gate.open();
    await discarding;
    await world.clock.advance(60_000);
    expect([lives(), world.fake.files.includes(id), onRecord()]).toEqual([false, false, undefined]);
  });

  it('are handed over when the last tool has ended, without delay', async () => {
    const [one, two] = [await run(), await run()];
    let handed: string | undefined;
    const handing = world.helpers.handOver('s', 'next').then((instance) => {
      handed = instance;
    });
    await ends(one);
    await settle();
    expect(handed).toBeUndefined();
    await ends(two);
    await handing;
    expect([handed, lives(), onRecord()]).toEqual([id, false, HANDED]);
    expect(world.clock.pending).toBe(timers);
  });

  it('are handed over at once when the instance only lingers, and to nobody when that is given up', async () => {
    const session = await run();
    const leaving = new AbortController();
    const failed = failure(world.helpers.handOver('s', 'next', leaving.signal));
    leaving.abort();
    expect((await failed).code).toBe('cancelled');
    expect(world.recording.files.of('s')).toBe(id);
    await ends(session);
    await ends(await run());
    expect(await world.helpers.handOver('s', 'next')).toBe(id);
    expect(lives()).toBe(false);
  });

  it('are never in two hands, however the calls come together', async () => {
    await ends(await run());
    const gate = makeGate();
    world.fake.script('destroy', { until: gate.promise });
    await world.clock.advance(LINGER);
    // The tool waits for the end of the one instance, and so does who takes the files over.
    const tools = [run(), run()];
    const handing = world.helpers.handOver('s', 'next');
    gate.open();
    for (const outcome of await Promise.allSettled(tools))
      if (outcome.status === 'fulfilled') {
        expect(world.recording.files.of('s')).toBe(id);
        await ends(outcome.value);
      }
    expect(await handing).toBe(id);
    expect([lives(), onRecord()]).toEqual([false, HANDED]);
  });
});
