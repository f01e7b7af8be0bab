import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { connectCore } from '../../../../src/core/client/connect-core.ts';
import type { CoreEvent } from '../../../../src/core/model/event.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../../helpers/core/served-core.ts';

/** Together far more bytes than all buffers on the way hold. */
const MANY = 4000;
const cause = 'x'.repeat(4000);

describe.each(['unix', 'tcp'] as const)('the watch of events over %s', (transport) => {
  let inner: HostCore;
  let served: ServedCore;
  /** How many events were taken from the core, and how many streams of them are open. */
  let taken: number;
  let open: number;
  let events: CoreApi['system']['events'];

  beforeEach(async () => {
    taken = 0;
    open = 0;
    inner = hostCore();
    const core = {
      ...inner,
      system: {
        ...inner.system,
        events: (...call: Parameters<typeof events>) => counted(events(...call)),
      },
    };
    events = (query, options) => inner.system.events(query, options);
    served = await serveAndConnect(core, transport);
  });

  afterEach(async () => {
    await served.close();
    await inner.close();
  });

  async function* counted(source: AsyncIterable<CoreEvent>): AsyncGenerator<CoreEvent> {
    open += 1;
    try {
      for await (const event of source) {
        taken += 1;
        yield event;
      }
    } finally {
      open -= 1;
    }
  }

  async function* endless(): AsyncGenerator<CoreEvent> {
    for (let seq = 1; seq <= MANY; seq += 1)
      yield { seq, time: 0, pool: 'p', event: { type: 'destroyed', instance: 'i', shape: 's', cause } };
  }

  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await setImmediate();
  };

  it('passes on what was asked for', async () => {
    const asked: unknown[] = [];
    events = (query, options) => {
      asked.push(query);
      return inner.system.events({ after: 0 }, options);
    };
    for (const query of [{}, { after: 0 }, { after: 2 ** 40, pool: 'p' }])
      for await (const _ of served.core.system.events(query)) break;
    const kinds = ['pool', 'sandbox', 'image'];
    expect(asked).toEqual([{ kinds }, { after: 0, kinds }, { after: 2 ** 40, pool: 'p', kinds }]);
  });

  it('ends in the core when its reader breaks off, cancels, or is gone', async () => {
    for await (const _ of served.core.system.events({ after: 0 })) break;
    await until(() => open === 0);
    const cancel = new AbortController();
    const quiet = { pool: 'no-such-pool' };
    const reading = served.core.system
      .events(quiet, { signal: cancel.signal })
      [Symbol.asyncIterator]()
      .next();
    const cancelled = reading.catch((error: unknown) => FsbError.from(error).code);
    await until(() => open === 1);
    cancel.abort();
    expect(await cancelled).toBe('cancelled');
    await until(() => open === 0);
    const other = connectCore({ grpc: served.servers.grpc[0]!, http: served.servers.http[0]! });
    const left = other.system.events(quiet)[Symbol.asyncIterator]().next();
    const code = left.catch((error: unknown) => FsbError.from(error).code);
    await until(() => open === 1);
    await other.close();
    await until(() => open === 0);
    expect(['cancelled', 'unavailable']).toContain(await code);
  });

  it('is read at the pace of its reader, and loses nothing', async () => {
    events = () => endless();
    const reader = served.core.system.events({})[Symbol.asyncIterator]();
    await reader.next();
    // It stands still when two looks, with a call over the same connection between them, see the same.
    let before = -1;
    while (before !== taken) {
      before = taken;
      for (let n = 0; n < 20; n += 1) await served.core.pools.list();
    }
    expect(taken).toBeLessThan(MANY / 2);
    let last = 1;
    for (let next = await reader.next(); !next.done; next = await reader.next()) {
      expect(next.value.seq).toBe(last + 1);
      last = next.value.seq;
    }
    expect(last).toBe(MANY);
  });

  it('carries the error of the core', async () => {
    events = () => {
      throw new FsbError('unavailable', 'the events 1 to 9 are no longer remembered', {
        hint: 'Read faster.',
      });
    };
    const reading = served.core.system.events({ after: 0 })[Symbol.asyncIterator]().next();
    await expect(reading).rejects.toMatchObject({
      code: 'unavailable',
      message: 'the events 1 to 9 are no longer remembered',
      hint: 'Read faster.',
    });
  });

  it('is told that the core goes away', async () => {
    const reader = served.core.system.events({ pool: 'no-such-pool' })[Symbol.asyncIterator]();
    const reading = reader.next().catch((error: unknown) => FsbError.from(error).toBody());
    await until(() => open === 1);
    await served.servers.close(2000);
    expect(await reading).toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('going away'),
    });
    expect(open).toBe(0);
  });
});
