import { describe, expect, it } from 'vitest';
import type { Happening } from '../../../../src/core/model/event.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { failure, controllerWorld as world } from '../../../helpers/core/controller-world.ts';

const box = { namespace: 'default', name: 'box' };

/** `name: event` in short. */
const told = (happened: Happening[]): string[] =>
  happened.map(({ sandbox, event }) => {
    const { type, ...rest } = event;
    return [`${sandbox?.name}:`, type, ...Object.values(rest)].join(' ');
  });

describe('what happens to a sandbox is told in order', () => {
  it('from the beginning to the end', async () => {
    const { create, controller, agent, clock, happened } = world();
    const { id } = await create('box', { labels: { team: 'red' } });
    await agent.report(id, {
      state: 'ended',
      startedAt: 0,
      endedAt: clock.now(),
      status: { code: 7, signal: null },
    });
    await controller.delete(box);
    expect(told(happened)).toEqual(['box: created', 'box: started', 'box: exited 7', 'box: deleted']);
    expect(happened[0]!.sandbox).toEqual({
      ...{ id, ...box, image: 'host' },
      labels: { team: 'red' },
    });
  });

  it('with every step of its life', async () => {
    const { create, controller, happened } = world();
    await create('box');
    await controller.pause(box);
    await controller.unpause(box);
    await controller.signal(box, 1);
    await controller.update(box, { labels: { a: 'b' } });
    await controller.rename(box, 'boat');
    const boat = { ...box, name: 'boat' };
    await controller.stop(boat);
    await controller.stop(boat);
    await controller.start(boat);
    await controller.start(boat);
    await controller.restart(boat);
    await controller.reset(boat);
    expect(told(happened)).toEqual([
      ...['box: created', 'box: started', 'box: paused', 'box: unpaused', 'box: killed SIGHUP'],
      ...['box: updated', 'boat: renamed box', 'boat: exited 143 SIGTERM', 'boat: stopped', 'boat: started'],
      ...['boat: exited 143 SIGTERM', 'boat: started', 'boat: restarted'],
      ...['boat: exited 143 SIGTERM', 'boat: started', 'boat: reset'],
    ]);
    expect(new Set(happened.map(({ sandbox }) => sandbox!.id)).size).toBe(4);
  });

  it('also of one that is lost, that expires, or does not start', async () => {
    const { create, agent, clock, happened } = world();
    await agent.report((await create('a')).id, { state: 'lost', reason: 'gone' });
    await create('b', { ttl: '1s' });
    await clock.advance(1_000);
    agent.onStart = () => Promise.reject(new FsbError('run_failed', 'no kernel'));
    await failure(create('c'));
    agent.onStart = () => Promise.reject(new FsbError('no_capacity', 'full'));
    await failure(create('d'));
    expect(told(happened)).toEqual([
      ...['a: created', 'a: started', 'a: lost gone', 'b: created', 'b: started', 'b: expired'],
      ...['c: created', 'c: failed no kernel', 'd: created', 'd: deleted'],
    ]);
  });

  it('but not of what could not be written', async () => {
    const { create, controller, records, happened } = world();
    await create('box');
    const before = happened.length;
    records.put = () => Promise.reject(new Error('disk full'));
    await failure(controller.update(box, { labels: { a: 'b' } }));
    await failure(controller.rename(box, 'boat'));
    expect(happened.length).toBe(before);
  });
});
