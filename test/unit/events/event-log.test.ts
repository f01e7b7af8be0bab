import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventLog } from '../../../src/core/events/event-log.ts';
import type { CoreEvent } from '../../../src/core/model/event.ts';
import type { PoolEvent } from '../../../src/core/model/pool/pool.ts';
import { createManualClock, settle } from '../../helpers/manual-clock.ts';

const idle = (instance: number): PoolEvent => ({ type: 'idle', instance: `i${instance}`, shape: 's' });

function world(limit?: number) {
  const clock = createManualClock();
  const log = new EventLog(clock, limit);
  let count = 0;
  const append = (times: number, pool = 'a'): void => {
    for (let i = 0; i < times; i++) log.append({ pool, event: idle(++count) });
  };
  return { clock, log, append };
}

/** The next few, and no more. */
async function take(stream: AsyncIterable<CoreEvent>, count: number): Promise<CoreEvent[]> {
  const taken: CoreEvent[] = [];
  for await (const event of stream) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

const errorOf = (stream: AsyncIterable<CoreEvent>): Promise<unknown> =>
  take(stream, Number.POSITIVE_INFINITY).then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the event log', () => {
  it('numbers events from 1 and gives them a time', async () => {
    const { clock, log, append } = world();
    append(1);
    await clock.advance(5);
    append(1);
    const now = clock.now();
    expect(await take(log.read({ after: 0 }), 2)).toEqual([
      { seq: 1, time: now - 5, pool: 'a', event: idle(1) },
      { seq: 2, time: now, pool: 'a', event: idle(2) },
    ]);
  });

  it('forgets sooner what has much in it, and keeps the newest entry whatever it has', async () => {
    const { log, append } = world();
    const labelled = (bytes: number): void => {
      const labels = { note: 'x'.repeat(bytes) };
      const sandbox = { id: 'id', namespace: 'default', name: 'box', image: 'host', labels };
      log.append({ sandbox, event: { type: 'created' } });
    };
    append(3);
    const reader = log.read({ after: 3 })[Symbol.asyncIterator]();
    const first = reader.next();
    for (let n = 0; n < 20; n++) labelled(4 * 1024 * 1024);
    expect(await first.catch((error: unknown) => error)).toMatchObject({ code: 'outdated' });
    const kept = await take(log.read({ follow: false }), 100);
    expect(kept.map(({ seq }) => seq)).toEqual([21, 22, 23]);
    labelled(40 * 1024 * 1024);
    append(1);
    expect((await take(log.read({ follow: false }), 100)).map(({ seq }) => seq)).toEqual([25]);
  });

  it('ends with what had happened at the call, when it is not to be followed', async () => {
    const { log, append } = world(3);
    const all = (stream: AsyncIterable<CoreEvent>): Promise<number[]> =>
      take(stream, Number.POSITIVE_INFINITY).then((events) => events.map(({ seq }) => seq));
    expect(await all(log.read({ follow: false }))).toEqual([]);
    append(2, 'a');
    append(2, 'b');
    const stream = log.read({ follow: false });
    const rest = log.read({ after: 3, follow: false });
    const own = log.read({ pool: 'a', follow: false });
    expect(await all(stream)).toEqual([2, 3, 4]);
    expect(await all(own)).toEqual([2]);
    append(1, 'b');
    expect(await all(rest)).toEqual([4]);
    expect(await all(log.read({ after: 5, follow: false }))).toEqual([]);
    expect(await errorOf(log.read({ after: 0, follow: false }))).toMatchObject({ code: 'outdated' });
  });

  it('begins with what happens after the call, also before the first one is asked for', async () => {
    const { log, append } = world();
    append(3);
    const stream = log.read({});
    append(2);
    expect((await take(stream, 2)).map(({ seq }) => seq)).toEqual([4, 5]);
  });

  it('begins with what happens at a time that is still to come', async () => {
    const { clock, log, append } = world();
    const reading = take(log.read({ since: clock.now() + 10 }), 2);
    append(1);
    await clock.advance(9);
    append(1);
    await clock.advance(1);
    append(2);
    expect((await reading).map(({ seq }) => seq)).toEqual([3, 4]);
  });

  it('wakes a reader that waits', async () => {
    const { log, append } = world();
    const reading = take(log.read({}), 3);
    await settle();
    append(2);
    await settle();
    append(1);
    expect((await reading).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it('shows one pool alone, with the numbers of all', async () => {
    const { log, append } = world();
    append(1, 'a');
    append(1, 'b');
    append(1, 'a');
    expect((await take(log.read({ after: 0, pool: 'a' }), 2)).map(({ seq }) => seq)).toEqual([1, 3]);
  });

  it('tells a reader that fell behind what it missed', async () => {
    const { log, append } = world(10);
    append(25);
    expect(await errorOf(log.read({ after: 4 }))).toMatchObject({
      code: 'outdated',
      message: 'the events 5 to 15 are no longer remembered',
      hint: expect.stringContaining('after event 15'),
    });
    expect(await take(log.read({ after: 15 }), 10)).toHaveLength(10);
  });

  it('tells so a reader that was slow, too', async () => {
    const { log, append } = world(10);
    const slow = log.read({})[Symbol.asyncIterator]();
    append(1);
    expect((await slow.next()).value).toMatchObject({ seq: 1 });
    append(11);
    await expect(slow.next()).rejects.toMatchObject({
      message: 'the events 2 to 2 are no longer remembered',
    });
  });

  it('knows nothing of the events of an earlier core', async () => {
    const { log, append } = world();
    append(2);
    expect(await errorOf(log.read({ after: 3 }))).toMatchObject({ code: 'outdated' });
    expect(await errorOf(log.read({ after: -1 }))).toMatchObject({ code: 'invalid_argument' });
  });

  it('ends with its reader, and with the core', async () => {
    const { log } = world();
    const leaving = new AbortController();
    const left = errorOf(log.read({}, { signal: leaving.signal }));
    const stayed = errorOf(log.read({}));
    await settle();
    leaving.abort();
    expect(await left).toMatchObject({ code: 'cancelled' });
    log.close();
    expect(await stayed).toMatchObject({
      code: 'unavailable',
      message: 'the core is stopping: no more events',
    });
  });

  it('gives every reader a gapless run of numbers, or an error, whatever the pace', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: -3, max: 7 }), { maxLength: 60 }), async (steps) => {
        const { log, append } = world(5);
        const reader = log.read({})[Symbol.asyncIterator]();
        let [happened, seen] = [0, 0];
        for (const step of steps) {
          if (step > 0) append(step);
          happened += Math.max(0, step);
          for (let reads = Math.min(-step, happened - seen); reads > 0; reads--) {
            const next = reader.next();
            if (happened - seen > 5) {
              await expect(next).rejects.toMatchObject({ code: 'outdated' });
              return;
            }
            seen += 1;
            expect((await next).value).toMatchObject({ seq: seen });
          }
        }
      }),
    );
  });
});
