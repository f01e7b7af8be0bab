import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type InstanceRecord, type SlotRecord, saidBy } from '../../../../src/core/agent/ledger/records.ts';
import { damagedLogs } from '../../../../src/core/agent/logs/damaged-logs.ts';
import type { RetainedLog } from '../../../../src/core/agent/logs/retained-logs.ts';
import type { PoolRecord } from '../../../../src/core/agent/pools/pool-record.ts';
import type { AgentApi } from '../../../../src/core/api/agent-api.ts';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { watchFailpoints } from '../../../../src/core/model/failure/failpoint.ts';
import { type LogEntry, wholeLog } from '../../../../src/core/model/logs.ts';
import { parseSpec } from '../../../../src/core/model/sandbox/spec.ts';
import { buildAgent } from '../../../helpers/core/agent-world.ts';
import { failure } from '../../../helpers/core/controller-world.ts';
import { memoryTable } from '../../../helpers/core/memory-table.ts';
import { buildNode } from '../../../helpers/core/node-world.ts';
import { createFakeDriver, type FakeDriver } from '../../../helpers/pool/fake-driver.ts';
import { droppedOf, makePlace, type Place, textOf } from '../../logs/harness.ts';

/** What outlives a core. */
interface Machine {
  place: Place;
  fake: FakeDriver;
  tables: {
    pools: ReturnType<typeof memoryTable<PoolRecord>>;
    instances: ReturnType<typeof memoryTable<InstanceRecord>>;
  };
  slots: ReturnType<typeof memoryTable<SlotRecord>>;
  retained: ReturnType<typeof memoryTable<RetainedLog>>;
}

const HOUR = 3_600_000;

/** A core of the machine, after its recovery. */
async function openCore({ place, fake, tables, ...records }: Machine) {
  const clock = systemClock;
  const logs = await place.open({ said: (id) => saidBy(records.slots.get(id)) });
  const said = { capacity: { min: 0, buffer_min: 0, buffer_max: 0 } };
  const node = buildNode(said, { clock, fake }, tables);
  const { agent, recover, close } = buildAgent({ node, logs, clock, retention: HOUR, ...records });
  await node.pools.open(said);
  await recover();
  const damaged = () => damagedLogs(records.slots, node.recording.files, logs);
  return { agent, logs, damaged, close };
}

let machine: Machine;
let core: Awaited<ReturnType<typeof openCore>>;
beforeEach(async () => {
  machine = {
    place: await makePlace(),
    fake: createFakeDriver(),
    tables: { pools: memoryTable<PoolRecord>(), instances: memoryTable<InstanceRecord>() },
    slots: memoryTable<SlotRecord>(),
    retained: memoryTable<RetainedLog>(),
  };
  core = await openCore(machine);
});
afterEach(async () => {
  watchFailpoints(undefined);
  await core.close();
  await machine.place[Symbol.asyncDispose]();
});

const spec = parseSpec({ image: 'host', command: ['main'] });
const startOf = (sandboxId: string, filesOf?: string): Parameters<AgentApi['start']>[0] => ({
  ...{ sandboxId, claimName: 'default/box', spec, ...(filesOf !== undefined && { filesOf }) },
});

/** A generation that writes its name and ends. */
async function ran(sandboxId: string, filesOf?: string): Promise<void> {
  machine.fake.script('run', { exit: { code: 0, stderr: `${sandboxId}\n` } });
  await core.agent.start(startOf(sandboxId, filesOf));
  await core.agent.stop(sandboxId, { grace: 0, keepFiles: true });
  if (filesOf !== undefined) await core.agent.forget(filesOf);
}

/** One whose start fails, after it has taken over what was there. */
async function failed(sandboxId: string, filesOf: string): Promise<string> {
  const { message } = await failure(core.agent.start(startOf(sandboxId, filesOf)));
  await core.agent.forget(filesOf);
  return message;
}

/** The core ends in the start of one, at a failpoint, and the next one comes. */
async function killedAt(name: string, sandboxId: string, filesOf: string): Promise<void> {
  watchFailpoints((reached) => {
    if (reached === name) throw new Error('killed');
  });
  expect(await failure(core.agent.start(startOf(sandboxId, filesOf)))).toMatchObject({ message: 'killed' });
  watchFailpoints(undefined);
  await nextCore();
}

async function nextCore(): Promise<void> {
  await core.close();
  await core.logs.close();
  core = await openCore(machine);
}

/** A log cannot be moved there. @returns removes the obstacle */
async function obstruct(sandboxId: string): Promise<() => Promise<void>> {
  const directory = join(machine.place.directory, sandboxId);
  await mkdir(join(directory, 'in the way'), { recursive: true });
  return () => rm(directory, { recursive: true });
}

async function logOf(sandboxId: string): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const { data } of core.agent.logs(sandboxId, wholeLog)) pieces.push(data);
  return Buffer.concat(pieces).toString();
}

/** Its command cannot be spawned. */
const breakSpawn = (): void => machine.fake.script('spawn', { fail: 'no such command' });

describe('the log of a sandbox', () => {
  it('goes on over its generations, also over one whose start failed', async () => {
    await ran('one');
    await ran('two', 'one');
    breakSpawn();
    expect(await failed('three', 'two')).toBe('no such command');
    expect(await logOf('three')).toBe('one\ntwo\n');
    await ran('four', 'three');
    expect(await logOf('four')).toBe('one\ntwo\nfour\n');
    expect(await core.logs.list()).toEqual(['four']);
  });

  it.each(['start.files', 'start.log'])('is there when a core is killed at %s', async (failpoint) => {
    await ran('one');
    await killedAt(failpoint, 'two', 'one');
    expect(await logOf('two')).toBe('one\n');
    await ran('three', 'two');
    expect(await logOf('three')).toBe('one\nthree\n');
  });

  it.each(['start.files', 'start.log'])(
    'is there when a core is killed at %s after a start that failed',
    async (failpoint) => {
      await ran('one');
      breakSpawn();
      await failed('two', 'one');
      await killedAt(failpoint, 'three', 'two');
      expect(await logOf('three')).toBe('one\n');
      expect(await core.logs.list()).toEqual(['three']);
      await ran('four', 'three');
      expect(await logOf('four')).toBe('one\nfour\n');
    },
  );

  it('is there when cores are killed one after the other', async () => {
    await ran('one');
    await killedAt('start.files', 'two', 'one');
    await killedAt('start.files', 'three', 'two');
    await nextCore();
    expect(await logOf('three')).toBe('one\n');
  });

  it('stays where it is when it cannot be moved, is read there, and the next start goes on with it', async () => {
    await ran('one');
    const remove = await obstruct('two');
    const message = await failed('two', 'one');
    expect(message).toContain('cannot hand the log of sandbox one over to its next generation: ');
    expect(message).toContain('directory not empty');
    expect(await logOf('two')).toBe('one\n');
    expect(await core.agent.logBytes('two')).toBe(await core.agent.logBytes('one'));
    // Nor can a core that comes meanwhile.
    await nextCore();
    expect(await logOf('two')).toBe('one\n');
    await remove();
    await ran('three', 'two');
    expect(await logOf('three')).toBe('one\nthree\n');
    expect(await core.logs.list()).toEqual(['three']);
  });

  it('comes with the next core when it can', async () => {
    await ran('one');
    const remove = await obstruct('two');
    await failed('two', 'one');
    await remove();
    await nextCore();
    expect(await core.logs.list()).toEqual(['two']);
    expect(await logOf('two')).toBe('one\n');
  });

  it.each([
    ['goes', undefined],
    ['is retained', { namespace: 'default', name: 'box' }],
  ])('%s with its sandbox also where it could not be moved', async (_, retainedAs) => {
    await ran('one');
    await obstruct('two');
    await failed('two', 'one');
    await core.agent.forget('two', { logOf: retainedAs });
    expect(machine.fake.files).toEqual([]);
    const id = await core.agent.retainedLog({ namespace: 'default', name: 'box' });
    expect(id === undefined ? '' : await logOf(id)).toBe(retainedAs ? 'one\n' : '');
    await nextCore();
    expect(await core.logs.list()).toEqual(retainedAs ? ['one'] : []);
  });

  it('is begun at its end, which is looked up anew, when it was moved and could not be read', async () => {
    await ran('one');
    const offsets = vi.spyOn(core.logs, 'offsets').mockRejectedValueOnce(new Error('too many files'));
    expect(await failed('two', 'one')).toBe('too many files');
    offsets.mockRestore();
    await ran('three', 'two');
    expect(await logOf('three')).toBe('one\nthree\n');
  });

  it('tells what somebody has removed of it, also in the generations that come, and when the next core asks', async () => {
    await ran('one');
    await rm(join(machine.place.directory, 'one'), { recursive: true });
    const told = async (id: string): Promise<[string, number]> => {
      const entries: LogEntry[] = [];
      for await (const entry of core.agent.logs(id, wholeLog)) entries.push(entry);
      return [textOf(entries), droppedOf(entries)];
    };
    expect(await told('one')).toEqual(['', 4]);
    expect(await core.damaged()).toEqual(['one']);
    await nextCore();
    expect(await told('one')).toEqual(['', 4]);
    await ran('two', 'one');
    expect(await told('two')).toEqual(['two\n', 4]);
    expect(await core.damaged()).toEqual([]);
  });

  it('goes with the last of its sandbox', async () => {
    await ran('one');
    await ran('two', 'one');
    await core.agent.forget('two');
    expect(await core.logs.list()).toEqual([]);
    expect(machine.fake.files).toEqual([]);
  });
});
