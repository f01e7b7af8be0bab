import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CoreApi } from '../../src/core/api/core-api.ts';
import { connectCore } from '../../src/core/client/connect-core.ts';
import { corePaths } from '../../src/core/model/paths.ts';
import type { Sandbox, SandboxRef } from '../../src/core/model/sandbox/sandbox.ts';
import type { SandboxSpecInput } from '../../src/core/model/sandbox/spec.ts';
import { readStatus } from '../../src/core/root/status-file.ts';
import { Authority } from '../helpers/core/certificates.ts';
import { type CoreProcess, startCoreProcess } from '../helpers/core/core-process.ts';
import { firstProcesses } from '../helpers/core/first-processes.ts';
import { leftovers } from '../helpers/core/leftovers.ts';
import { instanceOf, lose } from '../helpers/core/lose.ts';
import { makeRoot } from '../helpers/core/real-core.ts';
import { delay, until } from '../helpers/core/waiting.ts';
import { collect } from '../helpers/guest/channel-fixture.ts';
import { busyboxImage } from '../helpers/image/busybox-image.ts';
import { layoutFiles } from '../helpers/image/image-files.ts';
import { startRegistry, type TestRegistry } from '../helpers/image/registry/docker-registry.ts';
import { pushImage } from '../helpers/image/registry/push.ts';
import { errorOf, Workbench } from './workbench.ts';

/** Instances that there may be, idle ones among them. */
const CAPACITY = 4;
const TOKEN = 'token-of-the-semantics';
const STUBBORN = 'trap "" TERM; echo ready; while :; do sleep 0.1; done';
const ALL = { follow: true, stdout: true, stderr: true };

const authority = new Authority();
const bench = new Workbench();
let root: string;
let registry: TestRegistry;
let core: CoreProcess;
let api: CoreApi;

/** What docs/control-api.md promises, by its numbers, of a real core over TLS and with a token. */
describe('semantics of the control API, over TLS', () => {
  beforeAll(async () => {
    root = await makeRoot();
    registry = await startRegistry();
    await pushImage(registry, 'library/alpine', layoutFiles([await busyboxImage()]), 'latest');
    const registries = { 'docker.io': { mirrors: [registry.url] } };
    await writeFile(join(root, 'registries.yaml'), JSON.stringify({ registries }));
    core = await startCoreProcess(root, {
      security: { tls: authority.issue(), token: TOKEN },
      pool: { warm: [], capacity: { max: CAPACITY } },
    });
    const { grpc, http } = (await readStatus(corePaths({ FSB_ROOT: root }, 0).status))!;
    api = connectCore({
      ...{ grpc: new URL(grpc).host, http: new URL(http).host },
      security: { token: TOKEN, tls: { ca: readFileSync(authority.ca) } },
    });
    bench.use(api);
  });
  afterEach(async () => {
    await bench.cleanUp();
    await waitFor('5m');
  });
  afterAll(async () => {
    await api.images.remove('alpine', { force: true });
    await api.close();
    expect(await leftovers(core, root)).toEqual([]);
    await registry.stop();
    authority[Symbol.dispose]();
    await rm(root, { recursive: true });
  });

  const get = (ref: SandboxRef): Promise<Sandbox> => api.sandboxes.get(ref);
  const phase = async (ref: SandboxRef): Promise<string> => (await get(ref)).state.phase;
  const ended = (ref: SandboxRef): Promise<unknown> => api.sandboxes.wait(ref).catch(() => {});
  const running = async (): Promise<number> => (await firstProcesses(root)).size;

  /** Until the output of one has a text. */
  async function said(box: SandboxRef, text: string): Promise<void> {
    let seen = '';
    for await (const { data } of api.sandboxes.logs(box, ALL)) {
      seen += data;
      if (seen.includes(text)) return;
    }
    throw new Error(`the log ended without ${text}: ${seen}`);
  }

  /** How long who asks for one more waits for a slot. */
  const waitFor = (timeout: string): Promise<unknown> =>
    api.pools.update('default-pool', { policy: { queue: { timeout } } });

  /** Takes so many slots, which are free or about to be, and sees that there is no other. */
  async function fill(count: number): Promise<Sandbox[]> {
    await waitFor('5m');
    const boxes = await Promise.all(Array.from({ length: count }, () => bench.idle()));
    await waitFor('50ms');
    const more = await Promise.all(Array.from({ length: 3 }, () => errorOf(bench.idle())));
    expect(more.map(({ code }) => code)).toEqual(Array(3).fill('no_capacity'));
    return boxes;
  }

  describe('1: the end of the main process is noticed at once, with its code, its signal or the reason', () => {
    it.each<[string, string, object]>([
      ['an exit', 'exit 7', { phase: 'Exited', status: { code: 7, signal: null } }],
      ['a signal', 'kill -9 $$', { phase: 'Exited', status: { code: null, signal: 9 } }],
      [
        'too much memory',
        'exec tail /dev/zero',
        { phase: 'Failed', reason: expect.stringMatching(/memory/) },
      ],
    ])('%s', async (_, script, state) => {
      const box = await bench.shell(script, { resources: { memory: '32m' } });
      await ended(box);
      expect((await get(box)).state).toMatchObject(state);
    });

    it.each([
      ['not found', '/no/such/program', 'command_not_found'],
      ['not executable', '/etc/passwd', 'not_executable'],
    ])('%s', async (_, program, code) => {
      const ref = bench.ref();
      const made = api.sandboxes.create({ ...ref, spec: { image: 'host', command: [program] } });
      expect(await errorOf(made)).toMatchObject({ code, message: expect.stringContaining(program) });
      expect((await get(ref)).state).toMatchObject({
        ...{ phase: 'Failed', reason: expect.stringContaining(program) },
      });
    });

    it('no boot', async () => {
      const ref = bench.ref();
      // A file cannot be mounted on a directory: the runtime finds out.
      const mounts = [{ source: '/etc/passwd', target: '/usr' }];
      const made = api.sandboxes.create({ ...ref, spec: { image: 'host', command: ['true'], mounts } });
      const why = expect.stringMatching(/^cannot boot host: .*not a directory/);
      expect(await errorOf(made)).toMatchObject({ code: 'run_failed', message: why });
      expect((await get(ref)).state).toMatchObject({ phase: 'Failed', reason: why });
    });
  });

  describe('2: a name is of one sandbox', () => {
    it('one that is taken is refused before anything starts', async () => {
      const box = await bench.idle();
      const { namespace, name } = box;
      // Nobody even looks whether that image and that program are there.
      const spec = { image: 'no-such-image', command: ['/no/such/program'] };
      expect(await errorOf(api.sandboxes.create({ namespace, name, spec }))).toMatchObject({
        code: 'already_exists',
      });
      expect((await get(box)).id).toBe(box.id);
    });

    it('delete, then create of the same name works with no wait, and has a new id', async () => {
      const { namespace, name, id } = await bench.shell(STUBBORN);
      await api.sandboxes.delete({ namespace, name }, { grace: 0 });
      const spec = { image: 'host', command: ['sleep', '1000'] };
      const next = await api.sandboxes.create({ namespace, name, spec });
      expect(next.id).not.toBe(id);
      expect(await phase(next)).toBe('Running');
    });
  });

  it('3: a reset gives a new generation and id, of one that ignores SIGTERM, twice within a second; the name stays', async () => {
    const box = await bench.shell(STUBBORN);
    await said(box, 'ready');
    const resets = [api.sandboxes.reset(box, { grace: 50 }), api.sandboxes.reset(box, { grace: 50 })];
    let settled = false;
    const made = Promise.all(resets).finally(() => {
      settled = true;
    });
    while (!settled) expect((await get(box)).name).toBe(box.name);
    expect((await made).map(({ generation }) => generation).sort()).toEqual([2, 3]);
    expect(new Set([box.id, ...(await made).map(({ id }) => id)]).size).toBe(3);
    expect(await get(box)).toMatchObject({ generation: 3, state: { phase: 'Running' } });
  });

  describe('4: expiry', () => {
    it('a ttl of two seconds runs for two seconds; then its processes are gone, its slot is free, its record is listed', async () => {
      const begin = Date.now();
      const box = await bench.idle({ ttl: '2s', grace_period: '0.1s' });
      expect(box.state.phase).toBe('Running');
      const instance = await instanceOf(api, root, box);
      await ended(box);
      expect(Date.now() - begin).toBeGreaterThanOrEqual(2000);
      expect(await phase(box)).toBe('Expired');
      await until(async () => !(await firstProcesses(root)).has(instance));
      const listed = await api.sandboxes.list({ namespace: bench.namespace, phases: ['Expired'] });
      expect(listed.map(({ id }) => id)).toEqual([box.id]);
      await fill(CAPACITY);
    });

    it('update extends it, 0 removes it', async () => {
      const [extended, freed] = [await bench.idle({ ttl: '4s' }), await bench.idle({ ttl: '4s' })];
      const later = Math.floor(Date.now() / 1000) + 3600;
      expect(await api.sandboxes.update(extended, { expireTime: later })).toMatchObject({
        expiresAt: later * 1000,
      });
      expect(await api.sandboxes.update(freed, { expireTime: 0 })).toMatchObject({ expiresAt: 0 });
      await delay(4500);
      expect([await phase(extended), await phase(freed)]).toEqual(['Running', 'Running']);
    });

    it('an expired one can be reset, and deleted', async () => {
      const box = await bench.idle({ ttl: '1s', grace_period: '0.1s' });
      await ended(box);
      expect(await phase(box)).toBe('Expired');
      const again = await api.sandboxes.reset(box);
      expect(again).toMatchObject({ generation: 2, state: { phase: 'Running' } });
      await ended(box);
      await api.sandboxes.delete(box);
      expect(await errorOf(get(box))).toMatchObject({ code: 'not_found' });
    });
  });

  describe('5: what is lost', () => {
    it('stays Lost with Manual, until its user acts', async () => {
      const box = await bench.idle({ failure_policy: 'Manual', recovery_timeout_seconds: 0 });
      const attached = await api.sandboxes.attach(box, { stdin: false, replay: false });
      const told = errorOf(collect(attached.output));
      await lose(api, root, box);
      expect(await told).toMatchObject({
        message: expect.stringContaining(`ran in sandbox ${box.name}, and its end was not seen`),
        hint: expect.stringContaining(`fsb-ctl get ${box.name}`),
      });
      await delay(500);
      expect((await get(box)).state).toMatchObject({ phase: 'Lost' });
      expect((await get(box)).state).not.toHaveProperty('recreateAt');
      expect(await api.sandboxes.start(box)).toMatchObject({ generation: 2, state: { phase: 'Running' } });
    });

    it('is recreated with AutoRecreate after its recovery timeout, once', async () => {
      const box = await bench.idle({ failure_policy: 'AutoRecreate', recovery_timeout_seconds: 1 });
      await lose(api, root, box);
      // It may be over by now that it waited.
      const isAgain = async (): Promise<boolean> => {
        const { generation, state } = await get(box);
        return generation > 1 && state.phase === 'Running';
      };
      await until(isAgain);
      const again = await get(box);
      expect(again.events.map(({ message }) => message)).toContainEqual(
        expect.stringMatching(/^lost: .*; it is recreated in 1s$/),
      );
      expect(again.generation).toBe(2);
      expect(again.id).not.toBe(box.id);
      await delay(1500);
      expect((await get(box)).id).toBe(again.id);
    });
  });

  describe('6: slots', () => {
    it('there are as many as there may be, however often one is given back', async () => {
      const boxes = await fill(CAPACITY);
      const twice = [...boxes, ...boxes].map((box) => api.sandboxes.delete(box, { grace: 0 }));
      for (const { status } of await Promise.allSettled(twice)) expect(status).toBe('fulfilled');
      await fill(CAPACITY);
      expect(await running()).toBe(CAPACITY);
    });

    it('after a pause of the node in which some ended, theirs are free, and no others', async () => {
      const boxes = await fill(CAPACITY);
      const gone = boxes.slice(0, 2);
      const processes = await firstProcesses(root);
      const pids = await Promise.all(
        gone.map(async (box) => processes.get(await instanceOf(api, root, box))!),
      );
      process.kill(core.pid, 'SIGSTOP');
      const asked = Promise.allSettled(Array.from({ length: CAPACITY }, () => bench.idle()));
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      await delay(1500);
      process.kill(core.pid, 'SIGCONT');
      const early = (await asked).filter(({ status }) => status === 'fulfilled');
      await until(async () => (await Promise.all(gone.map(phase))).every((one) => one === 'Lost'));
      await fill(gone.length - early.length);
      expect(await running()).toBe(CAPACITY);
      for (const box of boxes.slice(2)) expect(await phase(box)).toBe('Running');
    });
  });

  it('7: delete of an unknown name is NOT_FOUND; of one that is being deleted it waits for the same end', async () => {
    expect(await errorOf(api.sandboxes.delete(bench.ref()))).toMatchObject({ code: 'not_found' });
    const box = await bench.shell(STUBBORN);
    await said(box, 'ready');
    const instance = await instanceOf(api, root, box);
    const isGone = async (): Promise<boolean> => !(await firstProcesses(root)).has(instance);
    const deletions = [0, 1].map(async () => {
      await api.sandboxes.delete(box, { grace: 300 });
      return isGone();
    });
    expect(await Promise.all(deletions)).toEqual([true, true]);
  });

  it('8: short image names mean what docker means by them', async () => {
    for await (const _ of api.images.pull({ reference: 'alpine' }));
    const [hub] = (await api.images.list()).filter(({ references }) => !references.includes('host'));
    expect(hub!.references).toEqual(['docker.io/library/alpine:latest']);
    const names = ['alpine', 'alpine:latest', 'library/alpine', 'docker.io/library/alpine:latest'];
    const made = names.map((image) =>
      api.sandboxes.create({ ...bench.ref(), spec: { image, command: ['sleep', '1000'] } }),
    );
    for (const box of await Promise.all(made)) expect(await phase(box)).toBe('Running');
    const missing = api.sandboxes.create({ ...bench.ref(), spec: { image: 'debian' } });
    expect(await errorOf(missing)).toMatchObject({ code: 'image_not_found' });
  });

  it('9: what was written is read: get, logs, exec and delete work on the line after a fast create', async () => {
    const spec: SandboxSpecInput = {
      ...{ image: 'host', command: ['sh', '-c', 'echo hello; exec sleep 1000'], consistency_mode: 'fast' },
    };
    const box = await api.sandboxes.create({ ...bench.ref(), spec });
    expect(await get(box)).toMatchObject({ id: box.id, state: { phase: 'Running' } });
    const next = await api.sandboxes.create({ ...bench.ref(), spec });
    await said(next, 'hello\n');
    const third = await api.sandboxes.create({ ...bench.ref(), spec });
    expect((await bench.run(third, 'echo hi')).stdout.toString()).toBe('hi\n');
    const last = await api.sandboxes.create({ ...bench.ref(), spec });
    await api.sandboxes.delete(last, { grace: 0 });
    expect(await errorOf(get(last))).toMatchObject({ code: 'not_found' });
  });
});
