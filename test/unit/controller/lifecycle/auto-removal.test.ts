import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { AgentSandboxState } from '../../../../src/core/api/agent-api.ts';
import { AutoRemoval } from '../../../../src/core/controller/lifecycle/auto-removal.ts';
import { newSandbox } from '../../../../src/core/controller/records/new-sandbox.ts';
import { Registry } from '../../../../src/core/controller/records/registry.ts';
import { type LogEntry, wholeLog } from '../../../../src/core/model/logs.ts';
import type { ProcessSession } from '../../../../src/core/model/process.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import { controllerWorld, exit, failure } from '../../../helpers/core/controller-world.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';
import { createManualClock, settle } from '../../../helpers/manual-clock.ts';

const box = { namespace: 'default', name: 'box' };
const request = { ...box, spec: { image: 'host' }, autoRemove: true };
const running = { state: 'running', startedAt: 0 } as const;
/** Milliseconds that a client has to come, or to come back. */
const PATIENCE = 10_000;

/** What a `run --rm` has created in this core. */
async function created(spec = {}, autoRemove = true, detached = false) {
  const world = controllerWorld();
  const going = { autoRemove, detached };
  const { id } = await world.controller.create({ ...box, spec: { image: 'host', ...spec }, ...going });
  const { controller, clock } = world;
  const names = async () => (await controller.list({})).map(({ name }) => name);
  const isGoneAfter = async (ms: number): Promise<boolean> => {
    await clock.advance(ms - 1);
    expect(await names()).toEqual(['box']);
    await clock.advance(1);
    return (await names()).length === 0;
  };
  return { ...world, id, names, isGoneAfter };
}

/** The next core, over what a `run --rm` of the last one has left. */
async function nextCore(state: AgentSandboxState | undefined, autoRemove = true, spec = {}) {
  const before = await created(spec, autoRemove);
  before.controller.close();
  const next = controllerWorld(before.records, before.clock);
  if (state) next.agent.held.set(before.id, state);
  await next.controller.recover();
  await next.clock.advance(PATIENCE);
  return { ...next, id: before.id };
}

const session: ProcessSession = {
  output: { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) },
  exited: new Promise(() => {}),
  write: async () => {},
  endInput: () => {},
  resize: () => {},
  signal: () => {},
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
};
const watching = { stdin: false, replay: true };

describe('the name of what goes with its run', () => {
  /** The next core, a moment after its start, over a `run --rm` that has ended. */
  async function nextCoreAtOnce(state: AgentSandboxState) {
    const before = await created();
    before.controller.close();
    await before.clock.advance(1);
    const next = controllerWorld(before.records, before.clock);
    next.agent.held.set(before.id, state);
    await next.controller.recover();
    return { ...next, id: before.id };
  }

  it('is free at once in the next core', async () => {
    const { agent, controller, clock, id } = await nextCoreAtOnce(exit(0, 1));
    const again = await controller.create(request);
    expect(again.id).not.toBe(id);
    await clock.advance(0);
    expect([agent.forgotten, (await controller.list({})).map((each) => each.id)]).toEqual([[id], [again.id]]);
  });

  it('is in use while it runs, or somebody reads it', async () => {
    const inUse = { code: 'already_exists' };
    const { controller } = await nextCoreAtOnce(running);
    expect(await failure(controller.create(request))).toMatchObject(inUse);
    const other = await nextCoreAtOnce(exit(0, 1));
    other.agent.api.attach = async () => session;
    await other.controller.attach(box, watching);
    expect(await failure(other.controller.create(request))).toMatchObject(inUse);
  });

  it('is in use in the core that has created it: its client may be about to attach', async () => {
    const { agent, controller, id } = await created();
    await agent.report(id, exit(0, 1));
    expect(await failure(controller.create(request))).toMatchObject({ code: 'already_exists' });
  });
});

describe('what goes with its run', () => {
  it('is deleted by the core a while after it has ended, and nothing of it is left', async () => {
    const { agent, id, isGoneAfter, clock, records } = await created();
    await clock.advance(2 * PATIENCE);
    await agent.report(id, exit(3, 1));
    expect(await isGoneAfter(PATIENCE)).toBe(true);
    expect([agent.forgotten, [...records.entries()], clock.pending]).toEqual([[id], [], 0]);
  });

  it('is deleted at once when nobody was to attach to it, and its name is free', async () => {
    const { agent, controller, id, names, clock } = await created({}, true, true);
    await clock.advance(2 * PATIENCE);
    expect(await names()).toEqual(['box']);
    await agent.report(id, exit(0, 1));
    const again = await controller.create({ ...request, detached: true });
    await settle();
    expect([agent.forgotten, clock.pending]).toEqual([[id], 0]);
    await agent.report(again.id, exit(0, 1));
    await settle();
    expect(await names()).toEqual([]);
  });

  it('is deleted at once when whoever has created it has left it, also before the next core', async () => {
    const { agent, controller, clock, records, id, names } = await created();
    agent.api.attach = async () => session;
    const reader = await controller.attach(box, watching);
    await reader.close();
    await controller.update({ ...box, name: id }, { detached: true });
    const again = await controller.attach(box, watching);
    await agent.report(id, exit(0, 1));
    expect(await names()).toEqual(['box']);
    await again.close();
    await settle();
    expect([await names(), clock.pending]).toEqual([[], 0]);
    await controller.create({ ...request, detached: false });
    await controller.update(box, { detached: true });
    await controller.close();
    const next = controllerWorld(records, clock);
    await next.controller.recover();
    await settle();
    expect(await next.controller.list({})).toEqual([]);
  });

  it('is deleted, and its name free, when whoever has created it says too late that it has left', async () => {
    const { agent, controller, clock, id } = await created();
    await agent.report(id, exit(0, 1));
    await controller.update(box, { detached: true });
    const again = await controller.create(request);
    await settle();
    expect([agent.forgotten, clock.pending, again.id === id]).toEqual([[id], 0, false]);
  });

  it('is nothing to one that stays that whoever has created it has left it', async () => {
    const { agent, controller, id } = await created({}, false);
    await controller.update(box, { detached: true });
    await agent.report(id, exit(0, 1));
    const { state, detached } = await controller.get(box);
    expect([state.phase, detached]).toEqual(['Exited', undefined]);
  });

  it('waits for who came all the same, although nobody was to attach to it', async () => {
    const { agent, controller, id, names } = await created({}, true, true);
    agent.api.attach = async () => session;
    const reader = await controller.attach(box, watching);
    await agent.report(id, exit(0, 1));
    await settle();
    expect(await names()).toEqual(['box']);
    await reader.close();
    await settle();
    expect(await names()).toEqual([]);
  });

  it('waits for its next end when somebody starts it again meanwhile', async () => {
    const { agent, controller, id, clock, names, isGoneAfter } = await created();
    await agent.report(id, exit(0, 1));
    await clock.advance(PATIENCE - 1);
    const next = await controller.start(box);
    await clock.advance(2 * PATIENCE);
    expect([await names(), clock.pending]).toEqual([['box'], 0]);
    await agent.report(next.id, exit(0, 1));
    expect(await isGoneAfter(PATIENCE)).toBe(true);
  });

  it('is not taken away while the start of somebody is under way', async () => {
    const { agent, controller, id, clock } = await created();
    await agent.report(id, exit(0, 1));
    let stopped = (): void => {};
    agent.onStop = () =>
      new Promise<void>((resolve) => {
        stopped = resolve;
      });
    const starting = controller.start(box);
    await clock.advance(2 * PATIENCE);
    stopped();
    expect((await starting).state.phase).toBe('Running');
    await clock.advance(2 * PATIENCE);
    expect((await controller.get(box)).state.phase).toBe('Running');
  });

  it('waits for whoever is attached to it, also to one that has ended', async () => {
    const { agent, controller, id, clock, names, isGoneAfter } = await created();
    agent.api.attach = async () => session;
    const first = await controller.attach(box, watching);
    await agent.report(id, exit(0, 1));
    await clock.advance(2 * PATIENCE);
    const second = await controller.attach(box, watching);
    await first.close();
    await first.close();
    await clock.advance(2 * PATIENCE);
    expect([await names(), clock.pending]).toEqual([['box'], 0]);
    await second.close();
    expect(await isGoneAfter(PATIENCE)).toBe(true);
  });

  it('is let go of by an attachment that fails', async () => {
    const { agent, controller, id, isGoneAfter } = await created();
    await agent.report(id, exit(0, 1));
    await failure(controller.attach(box, watching));
    expect(await isGoneAfter(PATIENCE)).toBe(true);
  });

  it('waits for who reads its log', async () => {
    const { agent, controller, id, clock, names, isGoneAfter } = await created();
    const entry: LogEntry = { stream: 'stdout', time: 0, seq: 0, data: Buffer.from('x') };
    agent.api.logs = async function* () {
      yield entry;
      yield entry;
    };
    await agent.report(id, exit(0, 1));
    const reading = controller.logs(box, { ...wholeLog, follow: true })[Symbol.asyncIterator]();
    await reading.next();
    await clock.advance(2 * PATIENCE);
    expect(await names()).toEqual(['box']);
    await reading.return(undefined);
    expect(await isGoneAfter(PATIENCE)).toBe(true);
  });

  it('has the whole grace period when its time is up', async () => {
    const { agent, clock, names, isGoneAfter } = await created({ ttl: '5s', grace_period: '60s' });
    let stopped = (): void => {};
    agent.onStop = () =>
      new Promise<void>((resolve) => {
        stopped = resolve;
      });
    await clock.advance(5_000 + 2 * PATIENCE);
    expect([await names(), agent.stops.map(({ grace }) => grace)]).toEqual([['box'], [60_000]]);
    stopped();
    await settle();
    agent.onStop = async () => {};
    expect(await isGoneAfter(PATIENCE)).toBe(true);
  });

  it('is left to the next core when this one ends, and to nobody when it is deleted', async () => {
    const { agent, controller, id, clock, names } = await created();
    await agent.report(id, exit(0, 1));
    controller.close();
    await settle();
    expect(clock.pending).toBe(0);
    await clock.advance(2 * PATIENCE);
    expect(await names()).toEqual(['box']);
    const other = await created();
    await other.agent.report(other.id, exit(0, 1));
    await other.controller.delete(box);
    expect(other.clock.pending).toBe(0);
  });

  it('is nobody`s that was made to stay', async () => {
    const { agent, controller, id, clock } = await created({}, false);
    await agent.report(id, exit(0, 1));
    await clock.advance(2 * PATIENCE);
    expect((await controller.get(box)).state.phase).toBe('Exited');
  });

  it('says in the log of the core what kept it from that', async () => {
    const lines: string[] = [];
    const clock = createManualClock();
    const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
    const removal = new AutoRemoval({
      ...{ clock, log, lifecycle: { remove: () => expect.unreachable() } },
      operations: { byItself: () => Promise.reject(new Error('no turn')) },
    });
    const entry = new Registry(memoryTable<Sandbox>()).add(newSandbox(request, 0));
    removal.watch(entry);
    await entry.enter({ phase: 'Failed', endedAt: 0, reason: 'it did not start' }, 0, 'failed');
    await clock.advance(PATIENCE);
    expect(lines).toEqual([expect.stringMatching(/no turn.*"sandbox":"box"/)]);
  });
});

describe('what a run was to delete when the core ended', () => {
  it('is deleted by the next core once it has ended', async () => {
    const { controller, agent, id, clock } = await nextCore(running);
    expect((await controller.get(box)).state.phase).toBe('Running');
    await agent.report(id, exit(3, 1));
    await clock.advance(PATIENCE);
    expect(await controller.list({})).toEqual([]);
    expect(agent.forgotten).toEqual([id]);
  });

  it.each([
    ['has ended', exit(0, 1)],
    ['is lost', undefined],
  ])('is deleted where it %s meanwhile', async (_, state) => {
    const { controller } = await nextCore(state);
    expect(await controller.list({})).toEqual([]);
  });

  it('stays while it is to be recreated, and where it was made to stay', async () => {
    const lost = await nextCore(undefined, true, { failure_policy: 'auto' });
    expect((await lost.controller.get(box)).state.phase).toBe('Lost');
    const kept = await nextCore(exit(0, 1), false);
    expect((await kept.controller.get(box)).state.phase).toBe('Exited');
  });
});
