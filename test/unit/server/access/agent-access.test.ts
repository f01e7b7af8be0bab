import { describe, expect, it } from 'vitest';
import type { AgentApi } from '../../../../src/core/api/agent-api.ts';
import { connectAgent } from '../../../../src/core/client/connect-agent.ts';
import type { Caller } from '../../../../src/core/model/caller.ts';
import { wholeLog } from '../../../../src/core/model/logs.ts';
import { coreFor } from '../../../../src/core/server/access/core-for.ts';
import { errorOf, execOf } from '../../../contract/workbench.ts';
import { hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { scriptedAgent } from '../../../helpers/core/scripted-agent.ts';
import { serveAndConnect } from '../../../helpers/core/served-core.ts';

const ID = '0'.repeat(32);

describe('a node that is served', () => {
  it.each([
    ['may only use sandboxes', { scopes: ['use'], namespaces: 'all' }],
    ['may do everything in some namespaces', { scopes: ['admin'], namespaces: ['mine'] }],
  ] as [string, Partial<Caller>][])('has nothing for one who %s', async (_, more) => {
    await using core = hostCore();
    const node = scriptedAgent();
    const caller = { name: 'someone', ...more } as Caller;
    const agent = coreFor(Object.assign(core, { agent: node.api }), { caller }).agent!;
    const stop = { grace: 0, keepFiles: false };
    const calls: Promise<unknown>[] = [
      ...[agent.facts(), agent.start({ sandboxId: ID } as never), agent.stop(ID, stop), agent.pause(ID)],
      ...[agent.unpause(ID), agent.signal(ID, 9), agent.rename(ID, 'a/b'), agent.update(ID, {} as never)],
      ...[agent.usage(ID), agent.exec(ID, execOf(['true'])), agent.attach(ID, {} as never)],
      ...[
        agent.execOnFiles({ sandboxId: ID } as never, execOf(['stat'])),
        agent.logBytes(),
        agent.forget(ID),
      ],
      ...[agent.retainedLog({ namespace: 'mine', name: 'box' }), agent.sandboxes()],
      ...[first(agent.watch()), first(agent.logs(ID, wholeLog)), first(agent.events({}))],
    ];
    for (const { code } of await Promise.all(calls.map(errorOf))) expect(code).toBe('denied');
    expect([node.starts, node.stops, node.signals, node.forgotten]).toEqual([[], [], [], []]);
  });

  it('is there only where it is meant to be', async () => {
    await using core = hostCore();
    await using place = disposable(await serveAndConnect(core, 'unix'));
    const { grpc, http } = place.servers;
    await using agent = connectAgent({ grpc: grpc[0]!, http: http[0]! });
    expect((await errorOf(agent.facts())).code).toBe('unsupported');
    expect((await errorOf(agent.exec(ID, execOf(['true'])))).code).toBe('not_found');
  });
});

describe('a node over a wire', () => {
  const serve = async (node: AgentApi) => {
    const core = Object.assign(hostCore(), { agent: node });
    const place = await serveAndConnect(core, 'tcp');
    const agent = connectAgent({ grpc: place.servers.grpc[0]!, http: place.servers.http[0]! });
    return disposable({
      agent,
      servers: place.servers,
      async close() {
        await agent.close();
        await place.close();
        await core.close();
      },
    });
  };

  it('answers a start that was taken back when it is over, and what it came to', async () => {
    const node = scriptedAgent();
    await using served = await serve(node.api);
    const abort = new AbortController();
    let takenBack: () => void = () => {};
    const there = new Promise<void>((resolve) => {
      takenBack = resolve;
    });
    const { onStart } = node;
    node.onStart = async (request, signal) => {
      abort.abort();
      await new Promise((resolve) => signal!.addEventListener('abort', resolve));
      takenBack();
      return onStart(request, signal);
    };
    const { parseSpec } = await import('../../../../src/core/model/sandbox/spec.ts');
    const request = { sandboxId: ID, claimName: 'default/box', spec: parseSpec({ image: 'host' }) };
    // It has started all the same: in one process its caller hears that, too.
    const started = await served.agent.start(request, { signal: abort.signal });
    await there;
    expect(started).toMatchObject({ node: 'test-node', warm: true });
    expect(node.starts).toEqual([request]);
  });

  it('ends a watch with a reason when its server goes away', async () => {
    const node = scriptedAgent();
    await using served = await serve(node.api);
    const news = served.agent.watch()[Symbol.asyncIterator]();
    expect((await news.next()).value).toEqual({ complete: true });
    const next = errorOf(Promise.resolve(news.next()));
    await served.servers.close(0);
    expect((await next).code).toBe('unavailable');
  });

  it('tells a slow watcher the newest state of each sandbox, and of all of them', async () => {
    const node = scriptedAgent();
    await using served = await serve(node.api);
    const news = served.agent.watch()[Symbol.asyncIterator]();
    await news.next();
    const states = Array.from({ length: 5000 }, (_, i) => ({ id: `id-${i % 100}`, startedAt: i }));
    for (const { id, startedAt } of states) void node.report(id, { state: 'running', startedAt });
    const newest = new Map<string, number>();
    while (newest.size < 100 || [...newest.values()].some((startedAt) => startedAt < 4900)) {
      const { value } = await news.next();
      newest.set(value.sandbox.sandboxId, value.sandbox.state.startedAt);
    }
    await news.return?.();
  });
});

const first = async (items: AsyncIterable<unknown>): Promise<unknown> => {
  for await (const item of items) return item;
  return undefined;
};

const disposable = <T extends { close(): Promise<void> }>(it: T): T & AsyncDisposable => ({
  ...it,
  [Symbol.asyncDispose]: () => it.close(),
});
