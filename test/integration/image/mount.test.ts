import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalImageStore } from '../../../src/core/image/image-store.ts';
import { createImageStore } from '../../../src/core/image/local-image-store.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import type { ResolvedImage } from '../../../src/core/model/image/image.ts';
import { inMountedRoot } from '../../helpers/core/mounted-root.ts';
import { buildGuest, launch } from '../../helpers/guest/guest-programs.ts';
import { busyboxImage } from '../../helpers/image/busybox-image.ts';
import { layoutFiles, type TestEntry, tarOf, writeArchive } from '../../helpers/image/image-files.ts';
import { noRegistries } from '../../helpers/image/memory-registry.ts';

let directory: string;
let store: LocalImageStore;

beforeAll(async () => {
  buildGuest();
  directory = await mkdtemp(join(tmpdir(), 'fsb-images-'));
  const log = pino({ level: 'silent' });
  store = await createImageStore({
    clock: systemClock,
    stateDir: join(directory, 'state'),
    registries: noRegistries,
    launch,
    log,
  });
});

afterAll(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
  expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(directory);
});

const IN_ROOT = 'chroot "$ROOT" /bin/sh -c';

async function imageOf(name: string, layers: TestEntry[][]): Promise<ResolvedImage> {
  const base = await busyboxImage({ name });
  const image = { ...base, layers: [...base.layers, ...(await Promise.all(layers.map(tarOf)))] };
  const path = join(directory, 'image.tar');
  await writeArchive(path, layoutFiles([image]));
  await store.import({ source: { path } });
  return store.resolve(name);
}

describe('an imported image, mounted', () => {
  it('runs, and can be written to without changing the image', async () => {
    const { root } = await imageOf('plain', []);
    const script = `${IN_ROOT} 'echo x > /etc/passwd; rm /bin/ls; mkdir /new; cat /etc/passwd; stat -c %a /tmp /root'`;
    expect(await inMountedRoot(root, script)).toBe('x\n1777\n700\n');
    const again = `${IN_ROOT} 'grep -c : /etc/passwd; ls /bin/ls; ls /new 2>/dev/null'; true`;
    expect(await inMountedRoot(root, again)).toBe('3\n/bin/ls\n');
  });

  it('honours whiteouts and opaque directories of upper layers', async () => {
    const { root } = await imageOf('layered', [
      [
        { name: 'd/', type: 'directory' },
        { name: 'd/hidden', content: '1' },
        { name: 'd/kept', content: '1' },
        { name: 'o/', type: 'directory' },
        { name: 'o/hidden', content: '1' },
        { name: 'gone/', type: 'directory' },
        { name: 'gone/x', content: '1' },
        { name: 'again/', type: 'directory' },
        { name: 'again/hidden', content: '1' },
      ],
      [
        { name: 'd/', type: 'directory' },
        { name: 'd/.wh.hidden' },
        { name: 'o/', type: 'directory' },
        { name: 'o/.wh..wh..opq' },
        { name: 'o/new', content: '2' },
        { name: '.wh.gone' },
        { name: '.wh.again' },
        { name: 'again/', type: 'directory' },
        { name: 'again/new', content: '2' },
      ],
    ]);
    const list = `cd "$ROOT"; find d o gone again 2>/dev/null | sort | tr '\\n' ' '; true`;
    expect(await inMountedRoot(root, list)).toBe('again again/new d d/kept o o/new ');
  });

  it('honours whiteouts behind links, and of whole trees, and nothing that a layer plants', async () => {
    const { root } = await imageOf('tricks', [
      [
        { name: 'real/', type: 'directory' },
        { name: 'real/hidden', content: '1' },
        { name: 'tree/a/b', content: '1' },
        { name: 'kept/f', content: '1' },
        { name: 'file', content: '1' },
      ],
      [
        { name: 'link', type: 'symlink', linkname: '/real' },
        { name: 'link/.wh.hidden' },
        { name: '.wh.tree' },
        { name: 'tree', content: 'a file now' },
        { name: 'file/now-a-directory', content: '2' },
        { name: 'kept/', type: 'directory', pax: { 'SCHILY.xattr.trusted.overlay.opaque': 'y' } },
        { name: 'kept/g', type: 'character-device', devmajor: 0, devminor: 0 },
      ],
    ]);
    const list = `cd "$ROOT"; find real tree kept file | sort | tr '\\n' ' '`;
    expect(await inMountedRoot(root, list)).toBe('file file/now-a-directory kept kept/f real tree ');
  });

  it('lets a higher layer bring back what a lower one removed', async () => {
    const file = (content: string): TestEntry => ({ name: 'd/f', content });
    const { root } = await imageOf('back', [[file('1')], [{ name: 'd/.wh.f' }], [file('3')]]);
    expect(await inMountedRoot(root, 'cat "$ROOT/d/f"')).toBe('3');
  });

  it('may have many layers', async () => {
    const layers = Array.from({ length: 60 }, (_, i) => [{ name: `layer${i}`, content: `${i}` }]);
    const { root } = await imageOf('many', layers);
    expect(root.overlays[0]!.lower).toHaveLength(62);
    const relative = root.overlays[0]!.lower.map((path) =>
      path.slice(path.indexOf('/layers/') + '/layers/'.length),
    );
    // What a driver mounts from inside the layers directory; the kernel takes one page of options.
    expect(relative.join(':').length).toBeLessThan(1100);
  });
});

describe('the host image, mounted', () => {
  let host: ResolvedImage;
  beforeAll(async () => {
    host = await store.resolve('host');
  });

  it('says how it is run', () => {
    expect(host.reference).toBe('host');
    expect(host.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(host.config).toMatchObject({
      entrypoint: [],
      cmd: ['bash'],
      user: '',
      env: [expect.stringMatching(/^PATH=/)],
    });
    expect(host.root.overlays.map(({ target }) => target).slice(0, 2)).toEqual(['/', '/usr']);
  });

  it("runs the machine's own programs", async () => {
    const script = `chroot "$ROOT" /usr/bin/env -i PATH=/usr/bin:/bin bash -c 'id -un; expr 1 + 1; tar --version >/dev/null && echo tar'`;
    expect(await inMountedRoot(host.root, script)).toBe('root\n2\ntar\n');
  });

  it('has nothing of what is private to the machine', async () => {
    const script = `cd "$ROOT"; ls -A root home opt srv mnt run var/lib var/log | sort | tr '\\n' ' '; cd etc; for f in shadow gshadow sudoers sudoers.d ssh machine-id fstab resolv.conf hostname gitconfig npmrc ssl/private cron.d shadow- passwd- apt; do ls -d "$f" 2>/dev/null; done; true`;
    expect(
      (await inMountedRoot(host.root, script)).split(/\s+/).filter((line) => !/^$|:$/.test(line)),
    ).toEqual(['lock', 'misc']);
  });

  it('has what programs look for', async () => {
    const script = `cd "$ROOT"; ls -d etc/passwd etc/group etc/nsswitch.conf etc/ld.so.cache etc/os-release etc/ssl/certs etc/alternatives etc/profile etc/hosts etc/mtab | wc -l; stat -c '%a' root tmp var/tmp home run; chroot . getent hosts localhost >/dev/null; chroot . cat /etc/os-release | grep -c ^ID=`;
    expect(await inMountedRoot(host.root, script)).toBe('10\n700\n1777\n1777\n755\n755\n1\n');
  });

  it('has a writable /usr that is not the one of the machine', async () => {
    const script = `touch "$ROOT/usr/local/bin/fsb-test-file"; rm "$ROOT/usr/bin/env"; ls "$ROOT/usr/local/bin/fsb-test-file" >/dev/null; ls /usr/bin/env; ls /usr/local/bin/fsb-test-file 2>/dev/null; true`;
    expect(await inMountedRoot(host.root, script)).toBe('/usr/bin/env\n');
  });
});
