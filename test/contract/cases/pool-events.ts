import { expect, it } from 'vitest';

import type { CoreEvent, EventQuery } from '../../../src/core/model/event.ts';
import { errorOf, type Workbench } from '../workbench.ts';

export function poolEventCases(bench: Workbench): void {
  /** Up to and with the first event that `isLast`. */
  async function take(query: EventQuery, isLast: (event: CoreEvent) => boolean): Promise<CoreEvent[]> {
    const taken: CoreEvent[] = [];
    for await (const event of bench.core.system.events(query)) {
      taken.push(event);
      if (isLast(event)) break;
    }
    return taken;
  }

  it('tells what happens to an instance, in order', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool({ warm: [{ image: 'host', count: 1 }] });
    await bench.until(name, ({ idle }) => idle === 1);
    const { id, instance } = await pools.lease({ pool: name });
    await pools.release(id);
    const isEnd = ({ event }: CoreEvent): boolean =>
      event.type === 'destroyed' && event.instance === instance;
    const own = (await take({ after: 0, pool: name }, isEnd)).filter(
      ({ event }) => 'instance' in event && event.instance === instance,
    );
    expect(own.map(({ event }) => event.type)).toEqual([
      'created',
      'idle',
      'claimed',
      'returned',
      'destroyed',
    ]);
    const [shape] = await pools.status(name);
    for (const { event } of own) expect(event).toMatchObject({ instance, shape: shape!.shape });
    expect(own.at(-1)!.event).toMatchObject({ cause: expect.stringMatching(/./) });
    for (const { time } of own) expect(Math.abs(time - Date.now())).toBeLessThan(60_000);
  });

  it('numbers events without a gap, and goes on after any of them', async () => {
    const { name } = await bench.pool({ warm: [{ image: 'host', count: 2 }] });
    await bench.until(name, ({ idle }) => idle === 2);
    const last = (await take({ after: 0, pool: name }, ({ event }) => event.type === 'idle')).at(-1)!;
    const all = await take({ after: 0 }, ({ seq }) => seq === last.seq);
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, n) => n + 1));
    const rest = await take({ after: last.seq - 3 }, ({ seq }) => seq === last.seq);
    expect(rest).toEqual(all.slice(-3));
    const own = await take({ after: 0, pool: name }, ({ seq }) => seq === last.seq);
    expect(own).toEqual(all.filter(({ pool }) => pool === name));
  });

  it('tells only what is new when no number is given', async () => {
    const { pools } = bench.core;
    const { name } = await bench.pool();
    const events = bench.core.system.events({ pool: name })[Symbol.asyncIterator]();
    const first = events.next();
    // On one connection calls arrive in order, so the watch is there before the lease is asked for.
    const before = (await pools.get(name)).instances;
    expect(before).toEqual([]);
    const { id } = await pools.lease({ pool: name });
    expect((await first).value).toMatchObject({ pool: name });
    await events.return?.();
    await pools.release(id);
  });

  it('ends with what is remembered, when it is not to be followed', async () => {
    const { name } = await bench.pool({ warm: [{ image: 'host', count: 1 }] });
    await bench.until(name, ({ idle }) => idle === 1);
    const remembered = async (query: EventQuery): Promise<string[]> => {
      const events = await take({ pool: name, follow: false, ...query }, () => false);
      return events.map(({ event }) => event.type);
    };
    expect(await remembered({ after: 0 })).toEqual(expect.arrayContaining(['created', 'idle']));
    expect(await remembered({})).toEqual(await remembered({ after: 0 }));
  });

  it('ends when its reader cancels', async () => {
    const { name } = await bench.pool();
    const cancel = new AbortController();
    const events = bench.core.system.events({ pool: name }, { signal: cancel.signal });
    const reading = errorOf(events[Symbol.asyncIterator]().next());
    await bench.core.pools.list();
    cancel.abort();
    expect(await reading).toMatchObject({ code: 'cancelled' });
  });

  it('says outdated for events that this core does not remember', async () => {
    const reading = bench.core.system
      .events({ after: 2 ** 40 })
      [Symbol.asyncIterator]()
      .next();
    expect(await errorOf(reading)).toMatchObject({ code: 'outdated', hint: expect.any(String) });
  });
}
