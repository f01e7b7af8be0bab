import { readlinkSync } from 'node:fs';
import {
  chmod,
  type FileHandle,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LocalImageStore } from '../../../src/core/image/image-store.ts';
import { createImageStore } from '../../../src/core/image/local-image-store.ts';
import type { Clock } from '../../../src/core/model/clock.ts';
import { launch } from '../../helpers/guest/guest-programs.ts';
import { noRegistries } from '../../helpers/image/memory-registry.ts';

let directory: string;
let machine: string;
let store: LocalImageStore;
let now: number;

const clock: Clock = { now: () => 0, monotonic: () => now, after: () => () => undefined };

const openStore = (): Promise<LocalImageStore> =>
  createImageStore({
    stateDir: join(directory, 'state'),
    registries: noRegistries,
    launch,
    log: pino({ level: 'silent' }),
    hostRoot: machine,
    clock,
  });

async function write(path: string, content: string, mode = 0o644): Promise<void> {
  await mkdir(join(machine, path, '..'), { recursive: true });
  await writeFile(join(machine, path), content);
  await chmod(join(machine, path), mode);
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fsb-host-'));
  machine = join(directory, 'machine');
  now = 0;
  await write('usr/bin/sh', '#!');
  await write('etc/passwd', 'root:$6$hash:0:0::/root:/bin/sh\nfree::1:1::/:/bin/sh\n');
  await symlink('usr/bin', join(machine, 'bin'));
  await mkdir(join(machine, 'lib'));
  store = await openStore();
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

const skeletons = (): Promise<string[]> => readdir(join(directory, 'state/images/host'));
const skeletonOf = async (): Promise<string> => (await store.resolve('host')).root.overlays[0]!.lower[0]!;
const later = (): void => {
  now += 1001;
};

async function digest(): Promise<string> {
  later();
  return (await store.resolve('host')).digest;
}

describe('the root of the host image', () => {
  it('links what the machine links and mounts what it has as directories', async () => {
    const { root, config } = await store.resolve('host');
    expect(root.overlays.map(({ target, lower }) => [target, lower.length])).toEqual([
      ['/', 1],
      ['/usr', 1],
      ['/lib', 1],
    ]);
    expect(root.overlays[1]!.lower).toEqual([join(machine, 'usr')]);
    expect(await readdir(await skeletonOf())).toEqual(
      expect.arrayContaining(['bin', 'etc', 'lib', 'proc', 'usr']),
    );
    expect(config.cmd).toEqual(['sh']);
  });

  it('copies of /etc what is allowed, with its modes, and nothing that could be secret', async () => {
    await write('etc/shadow', 'secret', 0o644);
    await write('etc/profile.d/tool.sh', 'export A=1', 0o755);
    await write('etc/profile.d/token.sh', 'export TOKEN=1', 0o600);
    await write('etc/ssl/certs/ca.pem', 'CERTIFICATE');
    await write('etc/ssl/certs/own.pem', '-----BEGIN RSA PRIVATE KEY-----');
    await write('etc/ssl/certs/own.key', 'x');
    await write('etc/ssl/private/key.pem', 'x');
    await write('etc/default/locale', 'LANG=C');
    await write('etc/default/grub', 'x');
    await write('etc/environment', 'PATH=/bin\nTOKEN=secret\nhttp_proxy=http://user:word@proxy\nLC_ALL=C\n');
    await write('etc/java-17-openjdk/security/x.conf', 'x');
    await symlink('/usr/share/zoneinfo/UTC', join(machine, 'etc/localtime'));
    const etc = join(await skeletonOf(), 'etc');
    const files = await readdir(etc, { recursive: true });
    expect(files.sort()).toEqual([
      'default',
      'default/locale',
      'environment',
      'hosts',
      'java-17-openjdk',
      'java-17-openjdk/security',
      'java-17-openjdk/security/x.conf',
      'localtime',
      'mtab',
      'passwd',
      'profile.d',
      'profile.d/tool.sh',
      'ssl',
      'ssl/certs',
      'ssl/certs/ca.pem',
    ]);
    expect(await readFile(join(etc, 'environment'), 'utf8')).toBe('PATH=/bin\nLC_ALL=C\n');
    expect(await readFile(join(etc, 'passwd'), 'utf8')).toBe(
      'root:x:0:0::/root:/bin/sh\nfree::1:1::/:/bin/sh\n',
    );
  });

  it('says so on a machine without /usr', async () => {
    await rename(join(machine, 'usr'), join(machine, 'elsewhere'));
    await expect(store.resolve('host')).rejects.toMatchObject({ code: 'unsupported' });
  });
});

describe('a power cut after the host image was built', () => {
  /** Paths, each as it was when it was synced. */
  async function synced(fails?: (path: string) => boolean): Promise<string[]> {
    const file = await open('/dev/null');
    const handles = Object.getPrototypeOf(file) as FileHandle;
    await file.close();
    const paths: string[] = [];
    const { sync } = handles;
    vi.spyOn(handles, 'sync').mockImplementation(async function (this: FileHandle) {
      const path = readlinkSync(`/proc/self/fd/${this.fd}`);
      if (fails?.(path)) throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' });
      await sync.call(this);
      paths.push(path);
    });
    return paths;
  }
  afterEach(() => vi.restoreAllMocks());

  it('finds all of it on the disk: it has its name only then', async () => {
    await write('etc/profile.d/tool.sh', 'export A=1', 0o755);
    const paths = await synced();
    const skeleton = await skeletonOf();
    const entries = await readdir(skeleton, { recursive: true, withFileTypes: true });
    const all = entries
      .filter((entry) => !entry.isSymbolicLink())
      .map((entry) => join(entry.parentPath, entry.name));
    const staging = join(directory, 'state/images/staging/');
    const names = paths
      .filter((path) => path.startsWith(staging))
      .map((path) => path.slice(staging.length).replace(/^[^/]+/, skeleton));
    expect(all.length).toBeGreaterThan(20);
    expect(names.sort()).toEqual([skeleton, ...all].sort());
  });

  it('does not matter where the disk refused it: it is not there, and is built anew', async () => {
    await synced((path) => path.endsWith('/etc/passwd'));
    await expect(store.resolve('host')).rejects.toMatchObject({ code: 'unavailable' });
    expect(await readdir(join(directory, 'state/images/staging'))).toEqual([]);
    vi.restoreAllMocks();
    expect(await readFile(join(await skeletonOf(), 'etc/passwd'), 'utf8')).toContain('root:x:');
    expect(await skeletons()).toHaveLength(1);
  });
});

describe('the digest of the host image', () => {
  it('stays while nothing changes, also over a restart, and the skeleton is used again', async () => {
    const first = await digest();
    expect(await digest()).toBe(first);
    await store.close();
    store = await openStore();
    expect(await digest()).toBe(first);
    expect(await skeletons()).toEqual([first.slice('sha256:'.length)]);
    await utimes(join(machine, 'etc/passwd'), 1, 1);
    expect(await digest()).toBe(first);
  });

  it.each<[string, () => Promise<unknown>]>([
    ['a file of /etc changes', () => write('etc/passwd', 'root:x:0:0::/root:/bin/bash\n')],
    ['a file of /etc comes', () => write('etc/profile.d/new.sh', 'x')],
    ['a file of /etc goes', () => rm(join(machine, 'etc/passwd'))],
    ['its mode changes', () => chmod(join(machine, 'etc/passwd'), 0o664)],
    ['a program comes', () => write('usr/bin/new', 'x')],
    [
      '/usr is another directory',
      async () => {
        await rename(join(machine, 'usr'), join(machine, 'old'));
        await mkdir(join(machine, 'usr'));
      },
    ],
    [
      'a link becomes a directory',
      async () => {
        await rm(join(machine, 'bin'));
        await mkdir(join(machine, 'bin'));
      },
    ],
  ])('changes when %s', async (_title, change) => {
    const first = await digest();
    await change();
    expect(await digest()).not.toBe(first);
  });

  it('is told when it changes, once, with the one before', async () => {
    const told: (readonly string[])[] = [];
    const stop = store.onNamesChanged((digests) => told.push(digests));
    const first = await digest();
    await digest();
    expect(told).toEqual([]);
    await write('usr/bin/new', 'x');
    later();
    await Promise.all([store.resolve('host'), store.resolve('host')]);
    expect(told).toEqual([[first]]);
    stop();
    await write('usr/bin/newer', 'x');
    await digest();
    expect(told).toHaveLength(1);
  });

  it('names one state of the machine: who asks by digest gets that or nothing', async () => {
    const first = await digest();
    await write('usr/bin/new', 'x');
    later();
    expect((await store.resolve(first)).digest).toBe(first);
    expect(await digest()).not.toBe(first);
    await expect(store.resolve(first)).rejects.toMatchObject({ code: 'image_not_found' });
  });

  it('is looked at again after a second only', async () => {
    const first = await digest();
    await write('usr/bin/new', 'x');
    now += 500;
    expect((await store.resolve('host')).digest).toBe(first);
    now += 600;
    expect((await store.resolve('host')).digest).not.toBe(first);
  });

  it('is built once for many who ask at the same time', async () => {
    const images = await Promise.all(Array.from({ length: 20 }, () => store.resolve('host')));
    expect(new Set(images.map((image) => image.digest)).size).toBe(1);
    expect(await skeletons()).toHaveLength(1);
    expect(await readdir(join(directory, 'state/images/staging'))).toEqual([]);
  });
});

describe('old host images', () => {
  it('stay while they are held, and go when nobody holds them', async () => {
    const first = await digest();
    const release = store.hold(first);
    await write('usr/bin/new', 'x');
    const second = await digest();
    await store.sweep();
    expect((await skeletons()).sort()).toEqual([first, second].map((one) => one.slice(7)).sort());
    release();
    await store.sweep();
    expect(await skeletons()).toEqual([second.slice(7)]);
  });

  it('stay over a restart until the first sweep, because running sandboxes may use them', async () => {
    const first = await digest();
    await store.close();
    await write('usr/bin/new', 'x');
    store = await openStore();
    const second = await digest();
    expect(await skeletons()).toHaveLength(2);
    const release = store.hold(first);
    await store.sweep();
    expect(await skeletons()).toHaveLength(2);
    release();
    await store.sweep();
    expect(await skeletons()).toEqual([second.slice(7)]);
  });

  it('the image of now can be resolved by its digest, and is listed first', async () => {
    const now = await digest();
    expect((await store.resolve(now)).reference).toBe('host');
    expect(await store.list()).toMatchObject([{ references: ['host'], digest: now, size: 0 }]);
  });
});
