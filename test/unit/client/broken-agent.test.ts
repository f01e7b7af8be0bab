/** A controller and its node, with a connection between them that is cut. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectAgent, type RemoteAgent } from '../../../src/core/client/connect-agent.ts';
import { Controller } from '../../../src/core/controller/controller.ts';
import { EventLog } from '../../../src/core/events/event-log.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { type Happening, isStep } from '../../../src/core/model/event.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf } from '../../contract/workbench.ts';
import { type BreakingProxy, breakingProxy } from '../../helpers/core/breaking-proxy.ts';
import { exit } from '../../helpers/core/controller-world.ts';
import { hostCore } from '../../helpers/core/host-core/host-core.ts';
import { memoryTable } from '../../helpers/core/memory-table.ts';
import { type ScriptedAgent, scriptedAgent } from '../../helpers/core/scripted-agent.ts';
import { serveSecurely, TOKEN } from '../../helpers/core/secure-core.ts';
import { serveAndConnect } from '../../helpers/core/served-core.ts';

interface Way {
  proxies: BreakingProxy[];
  agent: RemoteAgent;
  close(): Promise<void>;
}

/** The way to a node, over TCP or TLS. @param cuts of the gRPC connections, see breakingProxy */
async function wayTo(node: ScriptedAgent, transport: 'tcp' | 'tls', cuts: number[] = []): Promise<Way> {
  const core = hostCore();
  const served = Object.assign(core, { agent: node.api });
  const place =
    transport === 'tcp'
      ? await serveAndConnect(served, 'tcp')
      : Object.assign(await serveSecurely(served), { close: async () => {} });
  const grpc = await breakingProxy(place.servers.grpc[0]!, cuts);
  const http = await breakingProxy(place.servers.http[0]!, []);
  const security = 'authority' in place && {
    security: { token: TOKEN, tls: { ca: readFileSync(place.authority.ca) } },
  };
  const agent = connectAgent({ grpc: grpc.address, http: http.address, ...(security || {}) });
  return {
    proxies: [grpc, http],
    agent,
    async close() {
      await agent.close();
      await Promise.all([grpc.close(), http.close()]);
      await place.close();
      if (Symbol.asyncDispose in place) await place[Symbol.asyncDispose]();
      await core.close();
    },
  };
}

describe.each(['tcp', 'tls'] as const)('a node over %s', (transport) => {
  let node: ScriptedAgent;
  let way: Way;
  let controller: Controller;
  let happened: Happening[];

  beforeEach(() => begin());
  afterEach(async () => {
    controller.close();
    await way.close();
  });

  async function begin(cuts?: number[]): Promise<void> {
    node = scriptedAgent(Date.now);
    way = await wayTo(node, transport, cuts);
    happened = [];
    const history = new EventLog(systemClock);
    const append = history.append.bind(history);
    history.append = (happening) => {
      append(happening);
      if (!isStep(happening)) happened.push(happening);
    };
    const log = pino({ level: 'silent' });
    const sandboxes = memoryTable<Sandbox>();
    controller = new Controller({ agent: way.agent, sandboxes, clock: systemClock, log, history });
    await controller.recover();
  }

  const ref = (name: string) => ({ namespace: 'default', name });
  const create = (name: string): Promise<Sandbox> =>
    controller.create({ ...ref(name), spec: { image: 'host' } });
  const phase = async (name: string): Promise<string> => (await controller.get(ref(name))).state.phase;
  const cut = (): void => {
    for (const proxy of way.proxies) proxy.cut();
  };
  const restore = (): void => {
    for (const proxy of way.proxies) proxy.restore();
  };
  const told = (type: string): string[] =>
    happened.filter(({ event }) => event.type === type).map(({ sandbox }) => sandbox!.name);

  it('what ended while it was cut off is known afterwards, once, and the rest goes on', async () => {
    const boxes: Sandbox[] = [];
    for (const name of ['ends', 'stays', 'vanishes']) boxes.push(await create(name));
    const [ends, , vanishes] = boxes;
    cut();
    await node.report(ends!.id, exit(3, Date.now()));
    node.held.delete(vanishes!.id);
    node.files.delete(vanishes!.id);
    expect(await phase('ends')).toBe('Running');
    expect((await errorOf(create('new'))).code).toBe('unavailable');
    restore();
    expect(await controller.wait(ref('ends'))).toEqual({ code: 3, signal: null });
    await expect.poll(() => phase('vanishes'), { timeout: 10_000 }).toBe('Lost');
    expect(await phase('stays')).toBe('Running');
    // Cut again: nothing of it is told once more.
    cut();
    restore();
    await expect
      .poll(
        () =>
          create('after').then(
            ({ state }) => state.phase,
            () => '',
          ),
        { timeout: 10_000 },
      )
      .toBe('Running');
    expect([told('exited'), told('lost')]).toEqual([['ends'], ['vanishes']]);
    expect(node.starts.map(({ claimName }) => claimName.split('/')[1])).toEqual([
      ...['ends', 'stays', 'vanishes', 'after'],
    ]);
  });

  it('a start whose answer was lost runs for nobody, and the next one of that name is another', async () => {
    const { onStart } = node;
    node.onStart = async (request) => {
      cut();
      return onStart(request);
    };
    expect((await errorOf(create('box'))).code).toBe('unavailable');
    node.onStart = onStart;
    const [first] = node.starts;
    restore();
    await expect.poll(() => node.held.has(first!.sandboxId), { timeout: 10_000 }).toBe(false);
    const box = await create('box');
    expect(box.id).not.toBe(first!.sandboxId);
    expect([...node.held.keys()]).toEqual([box.id]);
    expect((await controller.list({})).map(({ id }) => id)).toEqual([box.id]);
  });

  it('a stop that never came there is made up for', async () => {
    const box = await create('box');
    cut();
    expect((await errorOf(controller.delete(ref('box'), { grace: 0 }))).code).toBe('unavailable');
    restore();
    await expect.poll(() => node.held.has(box.id), { timeout: 15_000 }).toBe(false);
    await expect.poll(async () => (await controller.list({})).length, { timeout: 15_000 }).toBe(0);
  });
});

describe.each(['tcp', 'tls'] as const)('a node over %s that breaks wherever it can', (transport) => {
  it('loses and doubles nothing', async () => {
    const node = scriptedAgent(Date.now);
    // A handshake takes some kilobytes. The first one is long enough to begin with.
    const least = transport === 'tls' ? 6_000 : 500;
    const cuts = [least + 3_000, ...Array.from({ length: 8 }, (_, i) => least + 397 * i)];
    const way = await wayTo(node, transport, cuts);
    const history = new EventLog(systemClock);
    const exits: string[] = [];
    const append = history.append.bind(history);
    history.append = (happening) => {
      append(happening);
      if (happening.event.type === 'exited') exits.push(happening.sandbox!.name);
    };
    const controller = new Controller({
      ...{ agent: way.agent, sandboxes: memoryTable<Sandbox>(), clock: systemClock, history },
      log: pino({ level: 'silent' }),
    });
    await controller.recover();
    const made: Sandbox[] = [];
    for (let i = 0; i < 40; i++) {
      const request = { namespace: 'default', name: `box-${i}`, spec: { image: 'host' } };
      const box = await controller.create(request).catch(() => undefined);
      // The client waits a little between its tries to connect.
      if (box === undefined) {
        await sleep(50);
        continue;
      }
      made.push(box);
      if (i % 2 === 0) await node.report(box.id, exit(i, Date.now()));
    }
    expect(way.proxies[0]!.broken()).toBeGreaterThan(1);
    expect(made.length).toBeGreaterThan(10);
    const ended = made.filter(({ name }) => Number(name.slice(4)) % 2 === 0);
    for (const { name } of ended)
      expect(await controller.wait({ namespace: 'default', name })).toEqual({
        code: Number(name.slice(4)),
        signal: null,
      });
    // What was begun and is on no record is ended.
    const wanted = made.map(({ id }) => id).sort();
    await expect.poll(() => [...node.held.keys()].sort(), { timeout: 15_000 }).toEqual(wanted);
    expect(exits.sort()).toEqual(ended.map(({ name }) => name).sort());
    expect(node.starts.length).toBe(new Set(node.starts.map(({ sandboxId }) => sandboxId)).size);
    controller.close();
    await way.close();
  }, 60_000);
});
