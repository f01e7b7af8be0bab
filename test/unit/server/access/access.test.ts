import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import type { Caller } from '../../../../src/core/model/caller.ts';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { replacing } from '../../../../src/core/model/replacing.ts';
import type { Telling } from '../../../../src/core/server/access/audit-log.ts';
import { coreFor } from '../../../../src/core/server/access/core-for.ts';
import { type Guard, guardPart, type Outcome } from '../../../../src/core/server/access/guard-part.ts';
import type { Row } from '../../../../src/core/server/access/row.ts';
import { tables } from '../../../../src/core/server/access/tables.ts';
import { toolsFor } from '../../../../src/core/server/access/tools-for.ts';
import { toolsTable } from '../../../../src/core/server/access/tools-table.ts';
import { PoolServer } from '../../../../src/core/tools/pool-server.ts';
import { errorOf } from '../../../contract/workbench.ts';
import { hostCore } from '../../../helpers/core/host-core/host-core.ts';

const parts = Object.keys(tables) as (keyof typeof tables)[];

/** Names of the methods of a part, its own and those of its class. */
function methodsOf(part: object): string[] {
  const own = (at: object): string[] => Object.getOwnPropertyNames(at);
  const names = [...own(part), ...own(Object.getPrototypeOf(part) ?? {})];
  return names.filter((name) => typeof (part as Record<string, unknown>)[name] === 'function');
}

const caller = (more: Partial<Caller> = {}): Caller => ({
  ...{ name: 'someone', scopes: ['use'], namespaces: ['mine'] },
  ...more,
});

describe('the tables', () => {
  it('have a row for each method that a core answers', async () => {
    await using core = hostCore();
    expect(parts.toSorted()).toEqual(
      Object.keys(core)
        .filter((key) => !['close', 'openSessions'].includes(key))
        .toSorted(),
    );
    for (const part of parts) {
      const rows = Object.keys(tables[part]);
      // Names of Object are no methods of a part; those of its class that no seam has are never reached.
      const seam = methodsOf(core[part]).filter((name) => !Object.hasOwn(Object.prototype, name));
      expect(seam.filter((name) => name !== 'close' && !rows.includes(name))).toEqual([]);
    }
  });

  it('give whoever may only read no way to change anything', () => {
    const readable = parts.flatMap((part) =>
      Object.entries(tables[part] as Record<string, Row>)
        .filter(([, { scope }]) => scope === 'read')
        .map(([method]) => `${part}.${method}`),
    );
    expect(readable).toEqual([
      ...[
        'sandboxes.get',
        'sandboxes.list',
        'sandboxes.page',
        'sandboxes.watch',
        'sandboxes.logs',
        'sandboxes.wait',
        'sandboxes.usage',
      ],
      ...['pools.status', 'pools.list', 'pools.get', 'pools.leases', 'images.list', 'images.inspect'],
      ...['system.info', 'system.usage', 'system.retainedLogs', 'system.health', 'system.events'],
    ]);
  });

  it('ask for a namespace wherever a sandbox is named', () => {
    for (const [method, row] of Object.entries(tables.sandboxes as Record<string, Row>))
      expect(row.namespaces, method).toBeDefined();
  });
});

describe('the core of a caller', () => {
  const never = (): never => {
    throw new Error('it was asked');
  };
  const unreachable = new Proxy({}, { get: () => never });
  const closed = { sandboxes: unreachable, pools: unreachable, images: unreachable, system: unreachable };

  it.each(parts.flatMap((part) => Object.keys(tables[part]).map((method) => [part, method] as const)))(
    'is never asked by who may do nothing: %s.%s',
    async (part, method) => {
      const outcomes: Outcome[] = [];
      const guarded = coreFor(closed as unknown as CoreApi, {
        caller: caller({ scopes: [] }),
        audit: (outcome) => outcomes.push(outcome) > 0,
      });
      const methods = guarded[part] as unknown as Record<string, (...args: unknown[]) => unknown>;
      const ref = { namespace: 'mine', name: 'x', pool: 'p', reference: 'r', registry: 'r', spec: {} };
      const given = methods[method]!(method === 'save' ? ['r'] : ref, 'more');
      const asked =
        Symbol.asyncIterator in (given as object)
          ? (given as AsyncIterable<unknown>)[Symbol.asyncIterator]().next()
          : (given as Promise<unknown>);
      expect(await errorOf(asked)).toMatchObject({ code: 'denied', hint: expect.any(String) });
      expect(outcomes).toEqual([expect.objectContaining({ method: `${part}.${method}`, code: 'denied' })]);
    },
  );

  it('says that what takes long has begun, before it is done, and nothing of what is refused', async () => {
    const told: string[] = [];
    const sandboxes = replacing(closed.sandboxes as unknown as CoreApi['sandboxes'], {
      delete: async () => void told.push('deleted'),
      update: async () => {
        told.push('updated');
        return {} as never;
      },
    });
    const guarded = coreFor({ ...closed, sandboxes } as unknown as CoreApi, {
      caller: caller(),
      audit: ({ method, code }, { hasBegun }) =>
        told.push(`${method} ${code}${hasBegun ? ', as it has begun' : ''}`) > 0,
    });
    await guarded.sandboxes.delete({ namespace: 'mine', name: 'x' });
    await guarded.sandboxes.update({ namespace: 'mine', name: 'x' }, {});
    await errorOf(guarded.sandboxes.delete({ namespace: 'other', name: 'x' }));
    expect(told).toEqual([
      ...['sandboxes.delete begun', 'deleted', 'sandboxes.delete ok, as it has begun'],
      ...['updated', 'sandboxes.update ok', 'sandboxes.delete denied'],
    ]);
  });

  it('says what came of a call, where the call does not say it, and which change nothing', async () => {
    await using core = hostCore();
    const told: string[] = [];
    const guard = {
      caller: caller({ scopes: ['admin'], namespaces: 'all' }),
      audit: ({ method, object }: Outcome, { isIdle }: Telling) =>
        told.push(`${method} ${object}${isIdle ? ', idle' : ''}`) > 0,
    };
    const { sandboxes, pools } = coreFor(core, guard);
    const spec = { image: 'host', command: ['sleep', '1000'] };
    const { name } = await sandboxes.create({ namespace: 'mine', name: '', spec });
    await sandboxes.rename({ namespace: 'mine', name }, 'box');
    await sandboxes.update({ namespace: 'mine', name: 'box' }, {});
    await sandboxes.update({ namespace: 'mine', name: 'box' }, { ttl: 0 });
    const { id } = await pools.lease({ pool: 'default-pool', image: 'host' });
    const server = new PoolServer({ core, clock: systemClock, log: pino({ level: 'silent' }) });
    const { lease } = await toolsFor(server, guard).create({}, new AbortController().signal);
    expect(name).toMatch(/^sb-/);
    expect(told).toEqual([
      ...[`sandboxes.create mine/${name}`, `sandboxes.rename mine/${name} mine/box`],
      ...['sandboxes.update mine/box, idle', 'sandboxes.update mine/box'],
      ...[`pools.lease default-pool ${id}`, `tools.create ${lease.pool} ${lease.id}`],
    ]);
  });

  it.each<[string[], string]>([
    [['/bin/true', 'argument'], 'default-pool host /bin/true'],
    // Who forgets the shell has put more into the first word than a name.
    [['curl -H token', 'argument'], 'default-pool host curl'],
    [['TOKEN=secret sh'], 'default-pool host TOKEN'],
    [[], 'default-pool host'],
  ])('says what a run of %j is about, and no argument', async (argv, object) => {
    const told: string[] = [];
    const pools = replacing(closed.pools as unknown as CoreApi['pools'], {
      run: async () => ({ exited: Promise.resolve({ code: 0, signal: null }) }) as never,
    });
    const guarded = coreFor({ ...closed, pools } as unknown as CoreApi, {
      caller: caller(),
      audit: (outcome) => told.push(outcome.object) > 0,
    });
    const exec = { argv, env: { PASSWORD: 'x' }, cwd: '', user: '', tty: false, stdin: false };
    await guarded.pools.run({ pool: 'default-pool', image: 'host', exec });
    expect(told).toEqual([object, object]);
  });

  it.each<[method: string, object: string, ...unknown[]]>([
    ['images.pull', '(no name)', { reference: 'user:SECRET@reg.example/x' }],
    ['images.pull', 'reg.example:5000/x:1', { reference: 'reg.example:5000/x:1' }],
    ['images.tag', 'alpine (no name)', 'alpine', 'https://u:SECRET@reg.example/x'],
    ['images.login', '(no name)', { registry: 'https://u:SECRET@reg.example' }],
    ['images.login', 'reg.example', { registry: 'https://reg.example/v2/?SECRET' }],
    ['images.save', 'host (no name)', ['host', 'a@SECRET']],
    ['sandboxes.delete', 'mine/(no name)', { namespace: 'mine', name: 'u:SECRET@box' }],
    ['pools.release', '(no name)', 'SECRET'],
    ['system.removeLogs', 'b1,(no name)', ['b1', 'u:SECRET@b2']],
    ['tools.execute', '(no name)', { tool: 'u:SECRET@shell' }],
    ['tools.execute', 'shell_executor', { tool: 'shell_executor' }],
    ['pools.run', 'p (no name) u', { pool: 'p', image: 'a@SECRET', exec: { argv: ['u:SECRET@x'] } }],
  ])('says of %s nothing but names: %s', async (method, object, ...args) => {
    const told: string[] = [];
    const guard: Guard = {
      caller: caller({ scopes: ['admin'], namespaces: 'all' }),
      audit: (outcome) => told.push(outcome.object) > 0,
    };
    const [part, name] = method.split('.') as [string, string];
    const fail = (): never => {
      throw new FsbError('not_found', 'no');
    };
    const failing = new Proxy({}, { get: () => fail });
    const rows = { ...tables, tools: toolsTable } as Record<string, Record<string, Row>>;
    const given = guardPart<Record<string, (...all: unknown[]) => object>>(part, failing, rows[part]!, guard);
    const answer = given[name]!(...args) as Promise<unknown> & AsyncGenerator;
    await errorOf(Symbol.asyncIterator in answer ? answer.next() : answer);
    expect(new Set(told)).toEqual(new Set([object]));
  });

  it('asks registries from outside for who is no administrator, whatever they say themselves', async () => {
    const asked: unknown[] = [];
    const images = replacing(closed.images as unknown as CoreApi['images'], {
      async *pull(request) {
        asked.push(request.outside);
        yield { kind: 'note', message: 'asked' } as never;
      },
      async login(request) {
        asked.push(request.outside);
        return {};
      },
    });
    for (const scopes of [['use'], ['admin']] as const) {
      const core = coreFor({ ...closed, images } as unknown as CoreApi, {
        caller: caller({ scopes, namespaces: 'all' }),
        audit: () => true,
      });
      for await (const _ of core.images.pull({ reference: 'localhost/x' }));
      await core.images.login({ registry: 'localhost', credentials: {} });
    }
    expect(asked).toEqual([true, true, undefined, undefined]);
  });

  it('closes nothing but itself', async () => {
    const guarded = coreFor(closed as unknown as CoreApi, { caller: caller() });
    await guarded.close();
  });

  it('does not tell by what sandboxes use whether one is in the namespace that names fall back to', async () => {
    await using core = hostCore();
    const spec = { image: 'host', command: ['sleep', '1000'] };
    for (const namespace of ['default', 'mine'])
      await core.sandboxes.create({ namespace, name: 'box', spec });
    const { sandboxes } = coreFor(core, { caller: caller({ scopes: ['read'] }) });
    const [there, near] = await Promise.all(
      ['box', 'bax'].map((name) => errorOf(sandboxes.usage({ names: [name] }))),
    );
    expect(there).toMatchObject({ code: 'denied', message: expect.stringContaining('namespace default') });
    expect(near).toEqual(there);
    expect(await sandboxes.usage({ namespace: 'mine', names: ['box'] })).toHaveLength(1);
  });

  it('tells what it was started with to administrators of all namespaces alone', async () => {
    await using core = hostCore();
    const seen = async (more: Partial<Caller>) =>
      (await coreFor(core, { caller: caller(more), audit: () => true }).system.info()).flags;
    expect(await seen({ scopes: ['admin'], namespaces: 'all' })).toEqual((await core.system.info()).flags);
    for (const scope of ['read', 'use'] as const)
      for (const namespaces of ['all', ['mine']] as const)
        expect(await seen({ scopes: [scope], namespaces })).toBeUndefined();
  });

  it('shows nothing of other namespaces in events, pools and images', async () => {
    const event = { type: 'created' as const };
    const sandbox = (namespace: string) => ({ namespace, name: 'b', id: 'i', image: 'host', labels: {} });
    const core = {
      system: {
        async *events() {
          yield { seq: 1, time: 0, sandbox: sandbox('other'), event };
          yield { seq: 2, time: 0, sandbox: sandbox('mine'), event };
        },
        usage: async () => ({
          instances: [{ id: 'i1', sandboxId: 's1', files: 7 }],
          logs: [
            { sandboxId: 's1', size: 1 },
            { sandboxId: 's2', size: 2, deleted: { namespace: 'other', name: 'b', at: 0 } },
            { sandboxId: 's3', size: 3, deleted: { namespace: 'mine', name: 'b', at: 0 } },
          ],
        }),
        health: async () => ({ unsettled: [{ instance: 'i1', sandboxId: 's1', reason: 'busy' }] }),
      },
      pools: {
        get: async () => ({
          instances: ['sandbox other/b', 'sandbox mine/b', 'lease l1', 'run'].map((holder) => ({ holder })),
        }),
      },
      images: {
        inspect: async () => ({ usedBy: ['other/b', 'mine/b', 'lease l1', 'pool run', 'warm pool p'] }),
      },
    };
    const guarded = coreFor(core as unknown as CoreApi, { caller: caller({ scopes: ['read'] }) });
    const seen: number[] = [];
    for await (const { seq } of guarded.system.events({})) seen.push(seq);
    expect(seen).toEqual([2]);
    const holders = (await guarded.pools.get('p')).instances.map(({ holder }) => holder);
    expect(holders).toEqual(['sandbox', 'sandbox mine/b', 'lease', 'run']);
    expect((await guarded.images.inspect('x')).usedBy).toEqual(['mine/b', 'pool run', 'warm pool p']);
    expect((await guarded.system.usage()).instances).toEqual([{ id: 'i1', files: 7 }]);
    expect((await guarded.system.usage()).logs.map(({ sandboxId }) => sandboxId)).toEqual(['s3']);
    expect((await guarded.system.health()).unsettled).toEqual([{ instance: 'i1', reason: 'busy' }]);
    const everywhere = coreFor(core as unknown as CoreApi, { caller: caller({ namespaces: 'all' }) });
    const usage = await everywhere.system.usage();
    expect(usage.instances).toMatchObject([{ sandboxId: 's1' }]);
    expect(usage.logs).toHaveLength(3);
  });
});

describe('the pool server of a caller', () => {
  it('tells one of some namespaces how many sandboxes there are, and which to nobody but those of all', async () => {
    await using core = hostCore();
    const log = pino({ level: 'silent' });
    const server = new PoolServer({ core, clock: systemClock, log });
    const { id } = await core.pools.lease({ pool: 'default-pool', image: 'host' });
    const { signal } = new AbortController();
    const some = toolsFor(server, { caller: caller() });
    const told = { health: await some.health(signal), stats: await some.stats(signal) };
    expect(told).toMatchObject({ health: { active_sandboxes: 1 }, stats: { total_sandboxes: 1 } });
    expect(JSON.stringify(told)).not.toContain(id);
    for (const asked of [some.list(signal), some.get(id, signal), some.release(id, signal)])
      expect(await errorOf(asked)).toMatchObject({ code: 'denied' });
    const all = toolsFor(server, { caller: caller({ namespaces: 'all' }) });
    expect((await all.list(signal)).map((sandbox) => sandbox.id)).toEqual([id]);
  });
});
