import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { wholeLog } from '../../../src/core/model/logs.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { type CoreProcess, startCoreProcess } from '../../helpers/core/core-process.ts';
import { answers } from '../../helpers/core/crash/boxes.ts';
import { firstProcesses } from '../../helpers/core/first-processes.ts';
import { leftovers } from '../../helpers/core/leftovers.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';

let root: string;
beforeEach(async () => {
  root = await makeRoot();
});
afterEach(() => rm(root, { recursive: true, force: true }));

const pool = { warm: [] };

const make = (api: CoreApi, name = 'box'): Promise<Sandbox> =>
  api.sandboxes.create({
    ...{ namespace: 'default', name },
    spec: { image: 'host', command: ['sh', '-c', 'echo begun; exec sleep 1000'] },
  });

async function textOf(api: CoreApi, box: Sandbox): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const { data } of api.sandboxes.logs(box, wholeLog)) pieces.push(data);
  return Buffer.concat(pieces).toString();
}

/** One sandbox that has written a line, and a core that was killed. */
async function killedWithOne(): Promise<{ box: Sandbox; instance: string }> {
  const core = await startCoreProcess(root, { pool });
  const box = await make(core.api);
  await expect.poll(() => textOf(core.api, box)).toBe('begun\n');
  const { instances } = await core.api.system.usage();
  await core.kill();
  return { box, instance: instances.find(({ sandboxId }) => sandboxId === box.id)!.id };
}

/** Changes what a core that has ended has on record. */
async function edit(table: string, change: (text: string) => string): Promise<void> {
  const environment = openLmdb({ path: join(root, 'state/records'), maxDbs: 32, encoding: 'string' });
  const records = environment.openDB<string, string>({ name: table, encoding: 'string' });
  for (const { key, value } of [...records.getRange({})]) await records.put(key, change(value));
  await environment.close();
}

const newer = (text: string): string => text.replace(/^\[(\d+)/, (_, version) => `[${Number(version) + 7}`);
const older = (text: string): string => text.replace(/^\[(\d+)/, (_, version) => `[${Number(version) - 7}`);
const torn = (text: string): string => text.slice(0, -20);

const lives = async (instance: string): Promise<boolean> => {
  const pid = (await firstProcesses(root)).get(instance);
  if (pid === undefined) return false;
  return readFile(`/proc/${pid}/stat`, 'utf8').then(
    (stat) => !/ [ZX] /.test(stat),
    () => false,
  );
};

const logged = (box: Sandbox): Promise<string[]> => readdir(join(root, 'state/logs', box.id)).catch(() => []);

async function deleteAll({ api, ...core }: CoreProcess): Promise<void> {
  for (const box of await api.sandboxes.list({})) await api.sandboxes.delete(box, { grace: 0 });
  expect(await leftovers({ api, ...core }, root)).toEqual([]);
}

describe('a core that starts with too few descriptors', () => {
  it('ends none of the sandboxes that run', { timeout: 240_000 }, async () => {
    const first = await startCoreProcess(root, { pool });
    const boxes = await Promise.all(Array.from({ length: 12 }, (_, i) => make(first.api, `box-${i}`)));
    // Beside them the pool may have one that is warm by now, and the next core is to end that.
    const before = (await first.api.system.usage()).instances
      .filter(({ sandboxId }) => sandboxId !== undefined)
      .map(({ id }) => id);
    expect(before).toHaveLength(12);
    await first.kill();
    for (const descriptors of [34, 42, 50, 58, 66, 74]) {
      const core = await startCoreProcess(root, { pool, descriptors }).catch((error: Error) => error);
      if (core instanceof Error) expect(core.message).toMatch(/too many (open )?files|ulimit -n/i);
      else {
        for (const { state } of await core.api.sandboxes.list({})) expect(state.phase).toBe('Running');
        await core.kill();
      }
    }
    expect([...(await firstProcesses(root)).keys()]).toEqual(expect.arrayContaining(before));
    const last = await startCoreProcess(root, { pool });
    for (const box of boxes) await answers(last.api, box);
    expect((await last.api.system.health()).recovery).toMatchObject({ running: 12, lost: 0 });
    await deleteAll(last);
  });
});

describe('a guest that does not answer the next core', () => {
  it.each([
    ['dies', ({ pid }: Frozen) => process.kill(pid, 'SIGKILL')],
    ['is given up', ({ api, box }: Frozen) => api.sandboxes.stop(box, { grace: 0 })],
  ])(
    'and %s: the sandbox is Lost, and who follows its log is told the end',
    { timeout: 90_000 },
    async (_, end) => {
      const { box, instance } = await killedWithOne();
      const pid = (await firstProcesses(root)).get(instance)!;
      process.kill(pid, 'SIGSTOP');
      const core = await startCoreProcess(root, { pool });
      const followed = (async () => {
        const pieces: Buffer[] = [];
        for await (const { data } of core.api.sandboxes.logs(box, { ...wholeLog, follow: true }))
          pieces.push(data);
        return Buffer.concat(pieces).toString();
      })();
      expect((await core.api.system.health()).unsettled).toMatchObject([{ sandboxId: box.id }]);
      await end({ api: core.api, box, pid });
      expect(await followed).toBe('begun\n');
      await expect.poll(async () => (await core.api.sandboxes.get(box)).state.phase).toBe('Lost');
      await deleteAll(core);
    },
  );
});

interface Frozen {
  api: CoreApi;
  box: Sandbox;
  pid: number;
}

describe('a log that cannot be opened', () => {
  it('is set aside, and its sandbox runs on', { timeout: 60_000 }, async () => {
    const { box } = await killedWithOne();
    const aside = join(root, 'state/logs', box.id, '00000002.log');
    await mkdir(aside);
    const core = await startCoreProcess(root, { pool });
    await answers(core.api, box);
    expect(await textOf(core.api, box)).toBe('begun\n');
    const { setAside } = await core.api.system.health();
    expect(setAside.map(({ path }) => path)).toEqual([`${aside}.aside`]);
    await deleteAll(core);
  });

  it('is kept when nothing of it can be read, and what the guest has no more is told', {
    timeout: 60_000,
  }, async () => {
    const { box } = await killedWithOne();
    const file = join(root, 'state/logs', box.id, '00000001.log');
    const bytes = await readFile(file);
    bytes.write('FSBLOG2');
    await writeFile(file, bytes);
    const core = await startCoreProcess(root, { pool });
    await answers(core.api, box);
    let told = 0;
    for await (const { data, dropped = 0 } of core.api.sandboxes.logs(box, wholeLog))
      told += data.length + dropped;
    expect(told).toBe('begun\n'.length);
    expect((await readFile(`${file}.aside`)).equals(bytes)).toBe(true);
    await deleteAll(core);
  });
});

describe('a record that is set aside does not take its sandbox with it', () => {
  it.each(['sandboxes', 'slots', 'instances'])(
    'of a later version, in %s',
    { timeout: 90_000 },
    async (table) => {
      const { box, instance } = await killedWithOne();
      await edit(table, newer);
      const old = await startCoreProcess(root, { pool });
      expect(await lives(instance)).toBe(true);
      expect(await logged(box)).toContain('00000001.log');
      const { setAside, unsettled } = await old.api.system.health();
      if (table === 'sandboxes')
        expect(setAside.map(({ path }) => path)).toContain(join(root, 'state/logs', box.id));
      else {
        expect(unsettled).toContainEqual({ instance, sandboxId: box.id, reason: expect.any(String) });
        expect((await old.api.sandboxes.get(box)).state.phase).toBe('Running');
        await expect(answers(old.api, box)).rejects.toThrow();
      }
      await old.kill();

      // The version that wrote it: what it left lies there as it was.
      await edit('set-aside', older);
      const next = await startCoreProcess(root, { pool });
      await answers(next.api, box);
      expect(await textOf(next.api, box)).toBe('begun\n');
      expect((await next.api.system.health()).setAside).toEqual([]);
      await deleteAll(next);
    },
  );

  it.each(['sandboxes', 'slots', 'instances'])(
    'that is torn, in %s, until it is pruned',
    { timeout: 90_000 },
    async (table) => {
      const { box, instance } = await killedWithOne();
      await edit(table, torn);
      const core = await startCoreProcess(root, { pool });
      expect(await lives(instance)).toBe(true);
      expect(await logged(box)).toContain('00000001.log');
      await core.api.system.removeSetAside();
      expect((await core.api.system.health()).setAside).toEqual([]);
      await deleteAll(core);
      expect(await lives(instance)).toBe(false);
    },
  );

  it('nor do all of them', { timeout: 90_000 }, async () => {
    const { box, instance } = await killedWithOne();
    const file = await open(join(root, 'state/records/data.mdb'), 'r+');
    await file.write(Buffer.alloc(64, 0xff), 0, 64, 4096);
    await file.close();
    for (let start = 0; start < 2; start++) {
      const core = await startCoreProcess(root, { pool });
      expect(await core.api.sandboxes.list({})).toEqual([]);
      expect(await lives(instance)).toBe(true);
      expect(await logged(box)).toContain('00000001.log');
      const paths = (await core.api.system.health()).setAside.map(({ path }) => path);
      expect(paths).toContain(join(root, 'state/logs', box.id));
      expect(paths).toContain(join(root, 'state/instances/runc', instance));
      await core.kill();
    }
    const last = await startCoreProcess(root, { pool });
    await last.api.system.removeSetAside();
    expect(await lives(instance)).toBe(false);
    await deleteAll(last);
  });
});

it('a creation that was answered is lost, and not failed, when its instance is', {
  timeout: 60_000,
}, async () => {
  const core = await startCoreProcess(root, { pool });
  // The step to Bound, of which nobody waits for the record.
  await core.dieAt('record.sandboxes.begun#2');
  await make(core.api).catch(() => {});
  await core.gone;
  for (const pid of (await firstProcesses(root)).values()) process.kill(pid, 'SIGKILL');
  const next = await startCoreProcess(root, { pool });
  const [box] = await next.api.sandboxes.list({});
  expect(box?.state).toMatchObject({
    phase: 'Lost',
    reason: expect.stringContaining('its instance was gone'),
  });
  await deleteAll(next);
});
