import { readFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type CoreProcess, startCoreProcess } from '../../helpers/core/core-process.ts';
import { firstProcesses } from '../../helpers/core/first-processes.ts';
import { leftovers } from '../../helpers/core/leftovers.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';
import { CrashStorm } from '../../helpers/core/storm/crash-storm.ts';
import { numbersProblem, textOf } from '../../helpers/core/storm/promises.ts';
import { seeded } from '../../helpers/core/storm/seeded.ts';

const SEED = Number(process.env.FSB_TEST_SEED ?? 1);
const ROUNDS = Number(process.env.FSB_TEST_ROUNDS ?? 3);

const roots: string[] = [];
const newRoot = async (): Promise<string> => {
  const root = await makeRoot();
  roots.push(root);
  return root;
};
afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true, force: true });
});

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const command = (script: string) => ({ image: 'host', command: ['sh', '-c', script] });

async function endsClean(core: CoreProcess, root: string): Promise<void> {
  expect(await leftovers(core, root)).toEqual([]);
}

describe('a core that is killed at any moment', () => {
  it(
    `keeps every promise it made, and leaves nothing in the end (seed ${SEED})`,
    async () => {
      const root = await newRoot();
      const random = seeded(SEED);
      const storm = new CrashStorm(random);
      let core = await startCoreProcess(root);
      for (let round = 0; round < ROUNDS; round++) {
        const killed = new AbortController();
        const raging = storm.rage(core.api, killed.signal);
        await Promise.race([raging, delay(100 + random(900))]);
        killed.abort();
        await core.kill();
        await raging;
        core = await startCoreProcess(root);
        await storm.check(core.api);
        if (random(2) === 0) await storm.deleteAll(core.api);
      }
      await storm.deleteAll(core.api);
      await endsClean(core, root);
    },
    60_000 + ROUNDS * 10_000,
  );

  it('tells how a command ended while no core ran, and all that it wrote', async () => {
    const root = await newRoot();
    const alone = { warm: [], capacity: { max: 4, buffer_min: 0, buffer_max: 0 } };
    const first = await startCoreProcess(root, { pool: alone });
    const script =
      'i=0; while [ $i -lt 500 ]; do echo line $i; [ $i -ne 250 ] || until [ -e /go ]; do sleep 0.02; done; i=$((i + 1)); done; exit 7';
    const box = await first.api.sandboxes.create({
      namespace: 'default',
      name: 'box',
      spec: command(script),
    });
    const [pid] = (await firstProcesses(root)).values();
    await first.kill();
    await writeFile(`/proc/${pid}/root/go`, '');
    // Its shell is the one child of the first process, or what is left of it.
    const children = (): Promise<string> => readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    while ((await children()).trim() !== '') await delay(20);
    const second = await startCoreProcess(root, { pool: alone });
    expect(await second.api.sandboxes.wait(box)).toMatchObject({ code: 7, signal: null });
    expect(await textOf(second.api, box)).toBe(Array.from({ length: 500 }, (_, i) => `line ${i}\n`).join(''));
    await second.api.sandboxes.delete(box);
    await endsClean(second, root);
  });

  it('loses and doubles no line of a sandbox that writes at full speed', async () => {
    const root = await newRoot();
    const first = await startCoreProcess(root);
    const box = await first.api.sandboxes.create({
      namespace: 'default',
      name: 'flood',
      // 10 MB
      spec: command('i=0; seq -f "line %.0f" 0 789999; exit 4'),
    });
    await delay(150);
    await first.kill();
    const second = await startCoreProcess(root);
    expect(await second.api.sandboxes.wait(box)).toMatchObject({ code: 4 });
    const text = await textOf(second.api, box);
    expect(numbersProblem(text)).toBeUndefined();
    expect(text.endsWith('line 789999\n')).toBe(true);
    await second.api.sandboxes.delete(box);
    await endsClean(second, root);
  });
});

describe('an instance that does not answer a new core', () => {
  it('is destroyed when it is idle; that of a sandbox lives on until it answers or is not wanted', async () => {
    const root = await newRoot();
    const first = await startCoreProcess(root);
    const make = (name: string) =>
      first.api.sandboxes.create({ namespace: 'default', name, spec: command('sleep 1000') });
    const [box, other] = [await make('box'), await make('other')];
    while (!(await first.api.pools.status()).some(({ idle, booting }) => idle >= 2 && booting === 0))
      await delay(20);
    await first.kill();
    const frozen = await firstProcesses(root);
    expect(frozen.size).toBeGreaterThanOrEqual(4);
    for (const pid of frozen.values()) process.kill(pid, 'SIGSTOP');
    const { api, ...second } = await startCoreProcess(root);
    const exec = () =>
      api.sandboxes.exec(box, {
        ...{ argv: ['true'], env: {}, cwd: '', user: '', tty: false, stdin: false },
      });
    expect((await api.sandboxes.get(box)).state.phase).toBe('Running');
    await expect(exec()).rejects.toThrow('cannot reach it yet');
    const { unsettled } = await api.system.health();
    expect(unsettled.map(({ sandboxId }) => sandboxId).sort()).toEqual([box.id, other.id].sort());
    const left = [...(await firstProcesses(root)).keys()].filter((id) => frozen.has(id));
    expect(left.sort()).toEqual(unsettled.map(({ instance }) => instance).sort());
    // Nobody can answer for it, and it can be deleted.
    await api.sandboxes.delete(other, { grace: 0 });
    const answering = unsettled.find(({ sandboxId }) => sandboxId === box.id)!;
    process.kill(frozen.get(answering.instance)!, 'SIGCONT');
    await expect.poll(async () => (await api.system.health()).unsettled, { timeout: 30_000 }).toEqual([]);
    expect(await (await exec()).exited).toMatchObject({ code: 0 });
    await api.sandboxes.delete(box, { grace: 0 });
    await endsClean({ api, ...second }, root);
    // A sandbox that does not answer is asked three times, five seconds each.
  }, 90_000);
});

describe('two cores on one root', () => {
  it('refuses the second, which harms nothing, and frees the lock with a SIGKILL', async () => {
    const root = await newRoot();
    const first = await startCoreProcess(root);
    const box = await first.api.sandboxes.create({
      namespace: 'default',
      name: 'box',
      spec: command('i=0; while :; do echo line $i; i=$((i+1)); sleep 0.01; done'),
    });
    await expect(startCoreProcess(root)).rejects.toThrow('conflict');
    expect((await first.api.sandboxes.get(box)).state.phase).toBe('Running');
    expect((await first.api.pools.status()).some(({ idle }) => idle > 0)).toBe(true);
    await first.kill();
    // Its sockets and its status file still lie there, stale.
    const second = await startCoreProcess(root);
    expect((await second.api.sandboxes.get(box)).id).toBe(box.id);
    expect(numbersProblem(await textOf(second.api, box))).toBeUndefined();
    await second.api.sandboxes.delete(box, { grace: 0 });
    await endsClean(second, root);
  });
});
