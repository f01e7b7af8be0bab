import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { machinePlatform } from '../../../src/core/model/image/platform.ts';
import type { SandboxSpecInput } from '../../../src/core/model/sandbox/spec.ts';
import { errorOf, finish, Workbench } from '../../contract/workbench.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { logged } from '../../helpers/core/waiting.ts';
import { busyboxImage } from '../../helpers/image/busybox-image.ts';
import { layoutFiles, type TestImage, tarOf, writeArchive } from '../../helpers/image/image-files.ts';

// What an image says about running it, in real sandboxes.

const bench = new Workbench();
const IDENTITY = 'echo "$(id -u) $(id -g) $HOME"; grep Groups: /proc/self/status | tr -s "\\t " " "';
/** An ELF header that says s390x, which none of our machines is. */
const FOREIGN = Buffer.concat([
  Buffer.from('7f454c4602020100', 'hex'),
  Buffer.alloc(8),
  Buffer.from('00020016', 'hex'),
  Buffer.alloc(100),
]);

let core: RealCore;
let directory: string;

/** Adds layers to the busybox image, with its configuration changed. */
async function imported(
  name: string,
  config: Record<string, unknown>,
  layers: Buffer[] = [],
): Promise<string> {
  await core.running.api.images.import({ source: { path: await archiveOf(name, { config }, layers) } });
  return name;
}

async function archiveOf(name: string, change: Partial<TestImage>, layers: Buffer[]): Promise<string> {
  const image = await busyboxImage({ name: `docker.io/library/${name}`, ...change });
  const path = join(directory, `${name.replace(':', '-')}.tar`);
  await writeArchive(path, layoutFiles([{ ...image, layers: [...image.layers, ...layers] }]));
  return path;
}

/** What a sandbox prints until it ends; with neither command nor args the image's own run. */
async function outputOf(spec: SandboxSpecInput): Promise<string> {
  const box = await bench.core.sandboxes.create({ ...bench.ref(), spec });
  const session = await bench.core.sandboxes.attach(box, { stdin: false, replay: true });
  return (await finish(session)).stdout.toString();
}

const sh = (image: string, script: string, more: Partial<SandboxSpecInput> = {}): Promise<string> =>
  outputOf({ image, command: ['sh', '-c', script], ...more });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fsb-config-'));
  core = await startRealCore({ pool: { warm: [] } });
  bench.use(core.running.api);
});
afterEach(() => bench.cleanUp());
afterAll(async () => {
  await core.close();
  await rm(directory, { recursive: true, force: true });
});

describe('entrypoint and cmd', () => {
  it('run as the image says, and as it is told instead', async () => {
    const image = await imported('entry:1', { Entrypoint: ['echo', 'entry'], Cmd: ['cmd'] });
    expect(await outputOf({ image })).toBe('entry cmd\n');
    expect(await outputOf({ image, args: ['own', 'words'] })).toBe('entry own words\n');
    expect(await outputOf({ image, command: ['echo', 'own'] })).toBe('own\n');
    expect(await outputOf({ image, command: [''], args: ['echo', 'bare'] })).toBe('bare\n');
  });
});

describe('environment', () => {
  it('is that of the image, with HOME, HOSTNAME and, on a terminal, TERM', async () => {
    const image = await imported('env:1', { Env: ['A=image', 'B=image'], Cmd: ['env'] });
    const lines = (await outputOf({ image, envs: { B: 'own' } })).split('\n');
    expect(lines).toEqual(expect.arrayContaining(['A=image', 'B=own', 'HOME=/root']));
    expect(lines.filter((line) => /^(PATH|HOSTNAME)=./.test(line))).toHaveLength(2);
    expect(lines.filter((line) => line.startsWith('TERM='))).toEqual([]);
    expect(await outputOf({ image, tty: true })).toContain('TERM=xterm\r\n');
    expect(await sh(image, 'test "$HOSTNAME" = "$(hostname)" && echo same')).toBe('same\n');
    const box = await bench.idle({ image });
    expect((await bench.run(box, 'echo $A $HOSTNAME $HOME')).stdout.toString()).toMatch(
      /^image i\w+ \/root\n$/,
    );
    expect((await bench.run(box, 'echo $HOME', { user: 'user' })).stdout.toString()).toBe('/home/user\n');
  });
});

describe('user', () => {
  it.each([
    ['user', '1000 1000 /home/user\nGroups: 100 1000 \n'],
    ['1000', '1000 1000 /home/user\nGroups: 100 1000 \n'],
    ['user:users', '1000 100 /home/user\nGroups: 100 \n'],
    ['1000:100', '1000 100 /home/user\nGroups: 100 \n'],
    ['5000', '5000 0 /\nGroups: 0 \n'],
    ['5000:6000', '5000 6000 /\nGroups: 6000 \n'],
  ])('%s of the image is whom it runs as', async (User, expected) => {
    const image = await imported(`user-${User.replace(':', '-')}:1`, { User });
    expect(await sh(image, IDENTITY)).toBe(expected);
  });

  it('that is asked for wins over that of the image', async () => {
    const image = await imported('user-own:1', { User: 'user' });
    expect(await sh(image, IDENTITY, { user: 'root' })).toBe('0 0 /root\nGroups: 0 \n');
  });

  it.each([
    ['nosuch', 'no user "nosuch"'],
    ['user:nosuch', 'no group "nosuch"'],
  ])('%s is unknown, which is said', async (user, words) => {
    const image = await imported('plain:1', {});
    const creating = bench.core.sandboxes.create({ ...bench.ref(), spec: { image, command: ['id'], user } });
    expect(await errorOf(creating)).toMatchObject({ message: expect.stringContaining(words) });
  });

  it('may be a number where the image knows no users', async () => {
    const bare = await tarOf([{ name: 'etc/.wh.passwd' }, { name: 'etc/.wh.group' }]);
    const image = await imported('bare:1', { User: '1234:5' }, [bare]);
    expect(await sh(image, IDENTITY)).toBe('1234 5 /\nGroups: 5 \n');
    expect(await sh(image, IDENTITY, { user: '0' })).toBe('0 0 /\nGroups: 0 \n');
    const creating = bench.core.sandboxes.create({
      ...bench.ref(),
      spec: { image, command: ['id'], user: 'root' },
    });
    expect(await errorOf(creating)).toMatchObject({ message: expect.stringContaining('no user "root"') });
  });
});

describe('directories', () => {
  it('the working directory is made when it is missing, by root', async () => {
    const image = await imported('workdir:1', { WorkingDir: 'srv/deep app', User: 'user' });
    expect(await sh(image, 'pwd; stat -c "%u %g %a" . ..')).toBe('/srv/deep app\n0 0 755\n0 0 755\n');
    expect(await sh(image, 'pwd', { working_dir: '/home/user' })).toBe('/home/user\n');
  });

  it('volumes are plain directories of the sandbox', async () => {
    const layer = await tarOf([
      { name: 'has/', type: 'directory', uid: 1000, gid: 1000 },
      { name: 'has/file', content: 'kept' },
    ]);
    const image = await imported('volumes:1', { Volumes: { '/has': {}, '/new/deep': {} } }, [layer]);
    expect(
      await sh(
        image,
        'stat -c "%u %a" /has /new/deep; cat /has/file; touch /new/deep/x && mount | grep -c -e /has -e /new',
      ),
    ).toBe('1000 755\n0 755\nkept0\n');
  });
});

describe('stop signal', () => {
  const TRAPS =
    'for s in TERM QUIT INT; do trap "echo got $s; exit 0" $s; done; echo armed; while :; do sleep 0.02; done';
  it.each([
    ['SIGQUIT', 'QUIT'],
    ['2', 'INT'],
    ['SIGNONSENSE', 'TERM'],
    [undefined, 'TERM'],
  ])('%s: it is asked to end with %s', async (StopSignal, expected) => {
    const image = await imported(`stop-${StopSignal}:1`.toLowerCase(), { StopSignal });
    const box = await bench.shell(TRAPS, { image });
    await logged(bench, box, 'armed');
    const session = await bench.core.sandboxes.attach(box, { stdin: false, replay: false });
    const ending = finish(session);
    await bench.core.sandboxes.delete(box, { grace: 60_000 });
    expect((await ending).stdout.toString()).toBe(`got ${expected}\n`);
  });

  it('is also what an expired one gets', async () => {
    const image = await imported('stop-quit:1', { StopSignal: 'SIGQUIT' });
    const box = await bench.shell(TRAPS, { image, grace_period: '60s' });
    await logged(bench, box, 'armed');
    await bench.core.sandboxes.update(box, { ttl: 1 });
    await logged(bench, box, 'got QUIT');
  });
});

describe('labels and ports', () => {
  it('are those of the image with its own', async () => {
    const image = await imported('labels:1', {
      Labels: { 'org.opencontainers.image.title': 'tool', both: 'image' },
      ExposedPorts: { '8080/tcp': {}, '53/udp': {} },
    });
    const own = { labels: { both: 'own' }, exposed_ports: [443], network: 'host' as const };
    const box = await bench.idle({ image, ...own });
    expect(box.spec.labels).toEqual({ 'org.opencontainers.image.title': 'tool', both: 'own' });
    expect(box.spec.exposed_ports).toEqual([443, 8080]);
    expect(box.endpoints).toEqual(['127.0.0.1:443', '127.0.0.1:8080']);
    const selected = (labels: Record<string, string>) =>
      core.remote.sandboxes.list({ namespace: bench.namespace, labels });
    expect((await selected({ 'org.opencontainers.image.title': 'tool' })).map(({ id }) => id)).toEqual([
      box.id,
    ]);
    expect(await selected({ both: 'image' })).toEqual([]);
  });
});

it('a program for another architecture says which image is for which machine', async () => {
  const path = join(directory, 'foreign.tar');
  await writeFile(path, await tarOf([{ name: 'bin/foreign', content: FOREIGN, mode: 0o755 }]));
  const rootfs = { changes: [], platform: 'linux/s390x' };
  await core.running.api.images.import({ source: { path }, name: 'foreign:1', rootfs });
  const spec = { image: 'foreign:1', command: ['foreign'] };
  const creating = bench.core.sandboxes.create({ ...bench.ref(), spec });
  expect(await errorOf(creating)).toMatchObject({
    code: 'not_executable',
    message: expect.stringContaining(
      `image foreign:1 is for linux/s390x, this machine is linux/${machinePlatform().architecture}`,
    ),
  });
});
