import { describe, expect, it } from 'vitest';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import { exit, failure, controllerWorld as world } from '../../../helpers/core/controller-world.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

const box = { namespace: 'default', name: 'box' };
const auto = { failure_policy: 'auto', recovery_timeout_seconds: 5 };
const gone = { state: 'lost', reason: 'gone' } as const;

/** One that is lost just now. */
async function lostWorld(spec: object = auto, from = world()) {
  const made = await from.create('box', spec);
  await from.agent.report(made.id, gone);
  const phase = async () => (await from.controller.get(box)).state.phase;
  return { ...from, made, phase };
}

/** The next core, on what this one has left. */
function nextCore(
  { controller, records, agent, clock }: Awaited<ReturnType<typeof lostWorld>>,
  boots = false,
) {
  controller.close();
  const after = world(
    memoryTable<Sandbox>([...records.entries()]),
    boots ? createManualClock(clock.now()) : clock,
  );
  for (const part of ['held', 'files'] as const)
    after.agent[part] = new Map(agent[part] as Map<string, never>);
  return after;
}

describe('a lost sandbox', () => {
  it('with the policy Manual stays until its user acts', async () => {
    const { clock, controller, phase, agent, made } = await lostWorld({});
    await clock.advance(1e9);
    expect(await phase()).toBe('Lost');
    expect(clock.pending).toBe(0);
    expect(await controller.start(box)).toMatchObject({ generation: 2, state: { phase: 'Running' } });
    expect(agent.starts.at(-1)?.filesOf).toBe(made.id);
  });

  it('is recreated after its timeout: a new generation, from the image, once', async () => {
    const { clock, controller, made, agent, happened } = await lostWorld();
    expect((await controller.get(box)).state).toMatchObject({
      ...{ phase: 'Lost', reason: 'gone', recreateAt: clock.now() + 5000 },
    });
    await clock.advance(4999);
    expect(agent.starts).toHaveLength(1);
    await clock.advance(1);
    const again = await controller.get(box);
    expect(again).toMatchObject({ name: 'box', generation: 2, state: { phase: 'Running' } });
    expect(again.id).not.toBe(made.id);
    expect(again.previous).toBeUndefined();
    expect(again.events.map(({ message }) => message)).toEqual(
      expect.arrayContaining([
        'lost: gone; it is recreated in 5s',
        'recreated: begun anew from the image, for it was lost: gone',
      ]),
    );
    expect(agent.starts[1]).toMatchObject({ sandboxId: again.id, filesOf: undefined });
    expect(agent.forgotten).toEqual([made.id]);
    await clock.advance(1e9);
    expect(agent.starts).toHaveLength(2);
    expect(happened.map(({ event }) => event.type)).toEqual([
      ...['created', 'started', 'lost', 'started', 'recreated'],
    ]);
    expect(happened[2]!.event).toMatchObject({ reason: 'gone', recreateAt: expect.any(Number) });
  });

  const atOnce = { ...auto, recovery_timeout_seconds: 0 };

  /** Milliseconds until it runs again, each time that it is lost as soon as it does. */
  async function waits({ clock, controller, agent }: ReturnType<typeof world>, losses: number) {
    const told: number[] = [];
    for (let i = 0; i < losses; i++) {
      const { id, state } = await controller.get(box);
      if (state.phase === 'Running') await agent.report(id, gone);
      const lost = (await controller.get(box)).state as { recreateAt: number };
      const wait = lost.recreateAt - clock.now();
      told.push(wait);
      await clock.advance(wait - 1);
      if (wait > 0) expect((await controller.get(box)).state.phase).toBe('Lost');
      await clock.advance(1);
    }
    return told;
  }

  it('is recreated at once without a timeout, and later and later when it dies each time', async () => {
    const it = await lostWorld(atOnce);
    const seconds = [0, 1, 2, 4, 8, 16, 32, 60, 60];
    expect(await waits(it, seconds.length)).toEqual(seconds.map((each) => each * 1000));
    const { id, events, generation } = await it.controller.get(box);
    expect(generation).toBe(seconds.length + 1);
    expect(events.map(({ message }) => message)).toContain(
      'lost: gone; it is recreated in 1m (recreated 8 times in a row)',
    );
    await it.clock.advance(59_000);
    await it.agent.report(id, gone);
    expect((await it.controller.get(box)).state).toMatchObject({ recreateAt: it.clock.now() + 60_000 });
    await it.clock.advance(60_000);
    // It runs well, so it was not the same thing.
    await it.clock.advance(60_000);
    expect(await waits(it, 3)).toEqual([0, 1000, 2000]);
  });

  it('waits longer than its timeout only where that is shorter', async () => {
    const it = await lostWorld({ ...auto, recovery_timeout_seconds: 3 });
    expect(await waits(it, 5)).toEqual([3000, 3000, 3000, 4000, 8000]);
  });

  it('is no longer in a row when its user has begun it anew, and is in the next core', async () => {
    const it = await lostWorld(atOnce);
    await waits(it, 4);
    const after = nextCore(it);
    await after.controller.recover();
    expect(await waits(after, 1)).toEqual([8000]);
    await after.controller.reset(box);
    expect(await waits(after, 2)).toEqual([0, 1000]);
  });

  it('is recreated neither early nor never when the wall clock jumps', async () => {
    const forward = await lostWorld();
    forward.clock.jump(1e9);
    await forward.clock.advance(4999);
    expect(await forward.phase()).toBe('Lost');
    const back = await lostWorld();
    back.clock.jump(-1e9);
    for (const { clock, phase } of [forward, back]) {
      await clock.advance(5000);
      expect(await phase()).toBe('Running');
    }
  });

  it.each([1e9, -1e9])(
    'is in a row for a minute of running, though the wall clock jumps by %d ms',
    async (jump) => {
      const it = await lostWorld(atOnce);
      await waits(it, 3);
      it.clock.jump(jump);
      expect(await waits(it, 1)).toEqual([4000]);
      it.clock.jump(jump);
      await it.clock.advance(60_000);
      expect(await waits(it, 2)).toEqual([0, 1000]);
    },
  );

  it('that does not start again is Failed, says why, and is not tried again', async () => {
    const { clock, controller, agent } = await lostWorld();
    agent.onStart = () => Promise.reject(new FsbError('no_capacity', 'the disk is full'));
    await clock.advance(5000);
    const reason =
      'it was lost (gone) and could not be recreated, which is not tried again: the disk is full';
    expect((await controller.get(box)).state).toMatchObject({ phase: 'Failed', reason });
    await clock.advance(1e9);
    expect(agent.starts).toHaveLength(2);
  });

  it.each(['the teardown', 'the record'])('is Failed, too, when %s fails before that', async (what) => {
    const { clock, controller, agent, records } = await lostWorld();
    if (what === 'the teardown') agent.onStop = () => Promise.reject(new Error('no'));
    else {
      const { put } = records;
      let first = true;
      records.put = async (...args) => {
        if (first) {
          first = false;
          throw new Error('no');
        }
        return put(...args);
      };
    }
    await clock.advance(5000);
    expect((await controller.get(box)).state).toMatchObject({
      phase: 'Failed',
      reason: expect.stringContaining('not tried again: no'),
    });
    agent.onStop = async () => {};
    expect((await controller.start(box)).state.phase).toBe('Running');
  });

  it('whose time is over by then is not started', async () => {
    const clock = createManualClock();
    const spec = { ...auto, expire_time: clock.now() / 1000 + 3 };
    const { controller } = await lostWorld(spec, world(undefined, clock));
    await clock.advance(5000);
    expect((await controller.get(box)).state).toMatchObject({
      phase: 'Failed',
      reason: expect.stringContaining('expire time is over'),
    });
  });

  it('tells who waits for its end why there is no status, and when it is recreated', async () => {
    const { controller } = await lostWorld();
    const error = await failure(controller.wait(box));
    expect([error.code, error.exitCode]).toEqual(['run_failed', 125]);
    expect(error.hint).toContain('recreated at 20');
  });
});

describe('what ends by itself is not lost', () => {
  it.each([
    ['Exited', exit(1, 0)],
    ['Failed', { ...exit(1, 0), status: { code: null, signal: 9, oomKilled: true } }],
  ])('%s stays', async (phase, report) => {
    const { create, agent, clock, controller } = world();
    await agent.report((await create('box', auto)).id, report);
    await clock.advance(1e9);
    expect((await controller.get(box)).state.phase).toBe(phase);
  });
});

describe('what its user does while it waits', () => {
  it.each(['start', 'restart', 'reset'] as const)('%s comes instead', async (verb) => {
    const { clock, controller, agent } = await lostWorld();
    expect((await controller[verb](box)).generation).toBe(2);
    await clock.advance(1e9);
    expect((await controller.get(box)).generation).toBe(2);
    expect(agent.starts).toHaveLength(2);
  });

  it('delete ends it', async () => {
    const { clock, controller, agent } = await lostWorld();
    await controller.delete(box);
    expect(clock.pending).toBe(0);
    await clock.advance(1e9);
    expect(agent.starts).toHaveLength(1);
    expect((await failure(controller.get(box))).code).toBe('not_found');
  });

  it('delete ends it also while it is recreated', async () => {
    const { clock, controller, agent, records } = await lostWorld();
    agent.onStart = (_, signal) =>
      new Promise((_resolve, reject) =>
        signal?.addEventListener('abort', () => reject(FsbError.from(signal.reason))),
      );
    await clock.advance(5000);
    expect((await controller.get(box)).state.phase).toBe('Pending');
    await controller.delete(box);
    expect([...records.entries()]).toEqual([]);
  });

  it('stop lets it stay lost, also in the next core', async () => {
    const lost = await lostWorld();
    const stopped = await lost.controller.stop(box);
    expect(stopped.state).toEqual({
      ...{ phase: 'Lost', startedAt: lost.clock.now(), since: lost.clock.now(), reason: 'gone' },
    });
    const after = nextCore(lost);
    await after.controller.recover();
    await after.clock.advance(1e9);
    expect((await after.controller.get(box)).state.phase).toBe('Lost');
  });

  it('stop of one that is lost while it is stopped, too', async () => {
    const { create, controller, agent, clock } = world();
    const { id } = await create('box', auto);
    agent.onStop = async () => agent.report(id, gone);
    await controller.stop(box);
    await clock.advance(1e9);
    expect((await controller.get(box)).state.phase).toBe('Lost');
  });

  it('update to Manual lets it stay, and back lets it wait anew', async () => {
    const { clock, controller, phase } = await lostWorld();
    await clock.advance(3000);
    expect((await controller.update(box, { failurePolicy: 'manual' })).state).not.toHaveProperty(
      'recreateAt',
    );
    await clock.advance(1e6);
    expect(await phase()).toBe('Lost');
    await controller.update(box, { failurePolicy: 'auto' });
    await clock.advance(4999);
    expect(await phase()).toBe('Lost');
    await clock.advance(1);
    expect(await phase()).toBe('Running');
  });

  it('update of the timeout counts from then on; of anything else, nothing changes', async () => {
    const { clock, controller, phase } = await lostWorld();
    await clock.advance(3000);
    await controller.update(box, { recoveryTimeoutSeconds: 9 });
    await controller.update(box, { labels: { a: 'b' } });
    await clock.advance(8999);
    expect(await phase()).toBe('Lost');
    await clock.advance(1);
    expect(await phase()).toBe('Running');
  });

  it('rename keeps it waiting', async () => {
    const { clock, controller } = await lostWorld();
    await controller.rename(box, 'boat');
    await clock.advance(5000);
    expect(await controller.get({ ...box, name: 'boat' })).toMatchObject({ generation: 2 });
  });
});

describe('the next core', () => {
  it('goes on waiting', async () => {
    const lost = await lostWorld();
    await lost.clock.advance(3000);
    const after = nextCore(lost);
    await after.controller.recover();
    await after.clock.advance(1999);
    expect(after.agent.starts).toEqual([]);
    await after.clock.advance(1);
    expect(await after.controller.get(box)).toMatchObject({ generation: 2, state: { phase: 'Running' } });
  });

  it('recreates at once what was due while there was no core', async () => {
    const lost = await lostWorld();
    const after = nextCore(lost);
    await after.clock.advance(60_000);
    await after.controller.recover();
    await after.clock.advance(0);
    expect((await after.controller.get(box)).generation).toBe(2);
  });

  it('waits anew on a machine that has booted since, and says so', async () => {
    const first = world();
    await first.clock.advance(1e9);
    const lost = await lostWorld(auto, first);
    const after = nextCore(lost, true);
    await after.controller.recover();
    expect((await after.controller.get(box)).state).toMatchObject({ recreateAt: after.clock.now() + 5000 });
    await after.clock.advance(4999);
    expect(after.agent.starts).toEqual([]);
    await after.clock.advance(1);
    expect((await after.controller.get(box)).generation).toBe(2);
  });

  it('recreates what was lost with the last one', async () => {
    const { create, records, clock } = world();
    await create('box', auto);
    const after = world(memoryTable<Sandbox>([...records.entries()]), clock);
    await after.controller.recover();
    expect((await after.controller.get(box)).state.phase).toBe('Lost');
    await clock.advance(5000);
    expect((await after.controller.get(box)).state.phase).toBe('Running');
  });

  it('goes on with a recreation that this one leaves when it stops', async () => {
    const lost = await lostWorld();
    lost.agent.onStart = (_, signal) =>
      new Promise((_resolve, reject) =>
        signal?.addEventListener('abort', () => reject(FsbError.from(signal.reason))),
      );
    await lost.clock.advance(5000);
    const { id } = await lost.controller.get(box);
    const after = nextCore(lost);
    await lost.clock.advance(0);
    await after.controller.recover();
    // Whoever calls from now on finds one that is on its way.
    const started = await after.controller.start(box);
    expect(started).toMatchObject({ id, generation: 2, state: { phase: 'Running' } });
    expect(after.agent.starts).toHaveLength(1);
  });
});
