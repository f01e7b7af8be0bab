import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { carryThrough } from '../../../src/core/client/deed.ts';
import { ConnectionClosed } from '../../../src/core/client/unreachable.ts';
import { FsbError, isLost } from '../../../src/core/model/failure/errors.ts';
import { errorOf } from '../../contract/workbench.ts';
import { type BreakingProxy, breakingProxy } from '../../helpers/core/breaking-proxy.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { type ServedCore, serveAndConnect } from '../../helpers/core/served-core.ts';
import { gate } from '../../helpers/gate.ts';

/** What becomes of a deed whose core goes away before it has answered: it may have been done, or not, or half. */
const box = { namespace: 'default', name: 'box' };
const create = { ...box, spec: { image: 'host', args: ['sleep', '60'] } };
const policy = { name: 'crew', warm: [] };

let core: HostCore;
let served: ServedCore;
let proxy: BreakingProxy;
let client: CoreApi;

beforeEach(async () => {
  core = hostCore();
  served = await serveAndConnect(core, 'tcp');
  proxy = await breakingProxy(served.servers.grpc[0]!, []);
  client = connectCore({ grpc: proxy.address });
  await core.sandboxes.create(create);
});

afterEach(async () => {
  await client.close();
  await proxy.close();
  await served.close();
  await core.close();
});

type Room = 'sandboxes' | 'pools';

interface Lost {
  /** The call that is lost, as the core has it. */
  of: [Room, string];
  call: (client: CoreApi) => Promise<unknown>;
  /** What has been done when the next core is there. */
  meanwhile?: () => Promise<unknown>;
}

/** How it ends, where its connection breaks before the answer: `done`, or the code. */
async function lost({ of: [room, method], call, meanwhile = async () => {} }: Lost): Promise<string> {
  const asked = gate();
  const spy = vi.spyOn(core[room] as never as Record<string, () => Promise<never>>, method);
  spy.mockImplementationOnce(() => {
    asked.open();
    return new Promise(() => {});
  });
  const ending = call(client).then(
    () => 'done',
    (error: unknown) => FsbError.from(error).code,
  );
  await asked.promise;
  proxy.cut();
  await meanwhile();
  proxy.restore();
  return ending;
}

const ofBox = (method: string, call: Lost['call'], meanwhile?: Lost['meanwhile']): Promise<string> =>
  lost({ of: ['sandboxes', method], call, meanwhile });

const names = async () => (await core.sandboxes.list({})).map(({ name }) => name);
const state = async () => (await core.sandboxes.get(box)).state;
const another = async (): Promise<void> => {
  await core.sandboxes.delete(box, { grace: 0 });
  await core.sandboxes.create(create);
};

describe('a deletion whose core goes away', () => {
  const deletion = (meanwhile?: Lost['meanwhile']): Promise<string> =>
    ofBox('delete', ({ sandboxes }) => sandboxes.delete(box), meanwhile);

  it('asks the next one', async () => {
    expect(await deletion()).toBe('done');
    expect(await names()).toEqual([]);
  });

  it('is done where the next one knows no such sandbox', async () => {
    expect(await deletion(() => core.sandboxes.delete(box, { grace: 0 }))).toBe('done');
  });

  it('takes nothing that has got the name since', async () => {
    expect(await deletion(another)).toBe('conflict');
    expect(await names()).toEqual(['box']);
  });

  it('says not_found where there was none to begin with', async () => {
    const nobody = client.sandboxes.delete({ ...box, name: 'nobody' });
    await expect(nobody).rejects.toMatchObject({ code: 'not_found' });
  });
});

describe('a change of a sandbox whose core goes away', () => {
  it('is made by the next one', async () => {
    expect(await ofBox('stop', ({ sandboxes }) => sandboxes.stop(box, { grace: 0 }))).toBe('done');
    expect((await state()).phase).toBe('Exited');
    expect(await ofBox('start', ({ sandboxes }) => sandboxes.start(box))).toBe('done');
    expect((await state()).phase).toBe('Running');
    expect(await ofBox('pause', ({ sandboxes }) => sandboxes.pause(box))).toBe('done');
    expect(await state()).toMatchObject({ paused: true });
    expect(await ofBox('unpause', ({ sandboxes }) => sandboxes.unpause(box))).toBe('done');
    expect(await state()).not.toHaveProperty('paused');
    const label = { labels: { a: 'b' } };
    expect(await ofBox('update', ({ sandboxes }) => sandboxes.update(box, label))).toBe('done');
    expect((await core.sandboxes.get(box)).spec.labels).toEqual({ a: 'b' });
    for (const again of ['restart', 'reset'] as const) {
      const { id } = await core.sandboxes.get(box);
      expect(await ofBox(again, ({ sandboxes }) => sandboxes[again](box, { grace: 0 }))).toBe('done');
      expect((await core.sandboxes.get(box)).id).not.toBe(id);
    }
    expect(await ofBox('signal', ({ sandboxes }) => sandboxes.signal(box, 9))).toBe('done');
    await expect.poll(async () => (await state()).phase).toBe('Exited');
    expect(await ofBox('rename', ({ sandboxes }) => sandboxes.rename(box, 'crate'))).toBe('done');
    expect(await names()).toEqual(['crate']);
  });

  it('is not made twice', async () => {
    const stop = () => core.sandboxes.stop(box, { grace: 0 });
    expect(await ofBox('stop', ({ sandboxes }) => sandboxes.stop(box), stop)).toBe('done');
    let id = '';
    const briefly = async (): Promise<void> => {
      ({ id } = await core.sandboxes.start(box));
      await stop();
    };
    for (const method of ['start', 'restart', 'reset'] as const) {
      expect(await ofBox(method, ({ sandboxes }) => sandboxes[method](box), briefly)).toBe('done');
      expect((await core.sandboxes.get(box)).id).toBe(id);
    }
    await core.sandboxes.start(box);
    const paused = () => core.sandboxes.pause(box);
    expect(await ofBox('pause', ({ sandboxes }) => sandboxes.pause(box), paused)).toBe('done');
    const unpaused = () => core.sandboxes.unpause(box);
    expect(await ofBox('unpause', ({ sandboxes }) => sandboxes.unpause(box), unpaused)).toBe('done');
    const killed = async (): Promise<void> => {
      await core.sandboxes.signal(box, 9);
      await core.sandboxes.wait(box);
    };
    expect(await ofBox('signal', ({ sandboxes }) => sandboxes.signal(box, 9), killed)).toBe('done');
    const renamed = () => core.sandboxes.rename(box, 'crate');
    expect(await ofBox('rename', ({ sandboxes }) => sandboxes.rename(box, 'crate'), renamed)).toBe('done');
    expect(await names()).toEqual(['crate']);
  });

  it('changes nothing that has got the name since', async () => {
    expect(await ofBox('stop', ({ sandboxes }) => sandboxes.stop(box), another)).toBe('conflict');
    const renamedAndAnother = async (): Promise<void> => {
      await core.sandboxes.rename(box, 'crate');
      await core.sandboxes.create(create);
    };
    const rename: Lost['call'] = ({ sandboxes }) => sandboxes.rename(box, 'crate');
    expect(await ofBox('rename', rename, renamedAndAnother)).toBe('done');
    expect(await names()).toEqual(['box', 'crate']);
  });

  it('says that it cannot tell, of a signal that would do harm twice', async () => {
    const signals = vi.spyOn(core.sandboxes, 'signal');
    expect(await ofBox('signal', ({ sandboxes }) => sandboxes.signal(box, 10))).toBe('run_failed');
    expect(signals).toHaveBeenCalledTimes(1);
  });
});

describe('a change of pools and leases whose core goes away', () => {
  const ofPool = (method: string, call: Lost['call'], meanwhile?: Lost['meanwhile']): Promise<string> =>
    lost({ of: ['pools', method], call, meanwhile });

  it('is made by the next one', async () => {
    expect(await ofPool('create', ({ pools }) => pools.create(policy))).toBe('done');
    const { id } = await core.pools.lease({ pool: 'crew' });
    expect(await ofPool('release', ({ pools }) => pools.release(id))).toBe('done');
    expect(await core.pools.leases()).toEqual([]);
    const update = { policy: { ttl: '1m' } };
    expect(await ofPool('update', ({ pools }) => pools.update('crew', update))).toBe('done');
    expect((await core.pools.get('crew')).policy.ttl).toBe(60_000);
    for (const [method, after] of Object.entries({ stop: 'stopped', drain: 'drained' })) {
      expect(await ofPool(method, ({ pools }) => pools[method as 'stop'](policy.name))).toBe('done');
      expect((await core.pools.get('crew')).state).toBe(after);
    }
    expect(await ofPool('delete', ({ pools }) => pools.delete('crew'))).toBe('done');
  });

  it('is not made twice', async () => {
    const made = () => core.pools.create(policy);
    expect(await ofPool('create', ({ pools }) => pools.create(policy), made)).toBe('done');
    await expect(client.pools.create(policy)).rejects.toMatchObject({ code: 'already_exists' });
    const { id } = await core.pools.lease({ pool: 'crew' });
    const released = () => core.pools.release(id);
    expect(await ofPool('release', ({ pools }) => pools.release(id), released)).toBe('done');
    const gone = () => core.pools.delete('crew');
    expect(await ofPool('delete', ({ pools }) => pools.delete('crew'), gone)).toBe('done');
  });

  it('says that it cannot tell, of a lease', async () => {
    const lease: Lost['call'] = ({ pools }) => pools.lease({ pool: 'default' });
    expect(await ofPool('lease', lease)).toBe('run_failed');
  });
});

describe('a caller whose time is up', () => {
  const reason = new FsbError('timeout', 'not done within 1s', { hint: 'Give it more time.' });

  /** What is told, where the core has the call and says nothing. */
  async function late([room, method]: Lost['of'], call: (signal: AbortSignal) => Promise<unknown>) {
    const asked = gate();
    const spy = vi.spyOn(core[room] as never as Record<string, () => Promise<never>>, method);
    spy.mockImplementationOnce(() => {
      asked.open();
      return new Promise(() => {});
    });
    const patience = new AbortController();
    const ending = errorOf(call(patience.signal));
    await asked.promise;
    patience.abort(reason);
    return ending;
  }

  it.each<[Lost['of'], (signal: AbortSignal) => Promise<unknown>, string, string]>([
    [
      ['sandboxes', 'rename'],
      (signal) => client.sandboxes.rename(box, 'crate', { signal }),
      'sandbox box was renamed to crate',
      'It may have been: see fsb-ctl list -a.',
    ],
    [
      ['sandboxes', 'signal'],
      (signal) => client.sandboxes.signal(box, 10, { signal }),
      'sandbox box was sent SIGUSR1',
      'It may have been: see fsb-ctl list -a.',
    ],
    [
      ['sandboxes', 'create'],
      (signal) => client.sandboxes.create({ ...create, name: 'new' }, { signal }),
      'sandbox new was created',
      'It may have been created: see fsb-ctl list -a.',
    ],
  ])('is told that it may have been done all the same: %j', async (of, call, what, look) => {
    expect(await late(of, call)).toEqual({
      code: 'timeout',
      message: `not done within 1s: cannot tell whether ${what}`,
      hint: `${look} Give it more time.`,
    });
  });

  it('is told no more where nothing was to be done', async () => {
    const told = await late(['sandboxes', 'get'], (signal) => client.sandboxes.get(box, { signal }));
    expect(told).toEqual(reason.toBody());
  });
});

it('nobody is told that there was no core, where none comes back', async () => {
  const goodbye = new FsbError('unavailable', 'the core is going away');
  const closed = new ConnectionClosed({ kind: 'unix', path: '/core' });
  const deed = { what: 'box was stopped', hint: 'Look.', act: () => Promise.reject(goodbye) };
  const error = await carryThrough(deed, {}, () => Promise.reject(closed)).catch(FsbError.from);
  expect([isLost(error as FsbError), (error as FsbError).toBody()]).toEqual([
    true,
    { code: 'run_failed', message: `cannot tell whether box was stopped: ${closed.message}`, hint: 'Look.' },
  ]);
  await proxy.close();
  expect((await errorOf(client.sandboxes.stop(box))).code).toBe('unavailable');
  proxy = await breakingProxy(served.servers.grpc[0]!, []);
});

describe('what brings images, whose core goes away', () => {
  const source = { path: '/tmp/image.tar' };
  const pulled = async (reference: string): Promise<void> => {
    for await (const _ of client.images.pull({ reference }));
  };

  it.each([
    ['pull', 'the pull of a:1', 'Pull it again', () => pulled('a:1')],
    ['import', 'the import', 'Import it again', () => client.images.import({ source })],
  ] as const)('says that %s did not finish', async (method, what, hint, call) => {
    const asked = gate();
    vi.spyOn(core.images as never as Record<string, () => unknown>, method).mockImplementationOnce(() => {
      asked.open();
      const never = new Promise<never>(() => {});
      return method === 'import' ? never : { [Symbol.asyncIterator]: () => ({ next: () => never }) };
    });
    const failing = errorOf(call());
    await asked.promise;
    proxy.cut();
    expect(await failing).toMatchObject({
      ...{ code: 'unavailable', hint: expect.stringContaining(hint) },
      message: expect.stringMatching(new RegExp(`^${what} did not finish: cannot reach the core at `)),
    });
  });

  it('says no such thing where there was none', async () => {
    await proxy.close();
    const { message } = await errorOf(client.images.import({ source }));
    expect(message).toMatch(/^cannot reach the core at /);
  });
});
