import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { TestEntry } from '../../helpers/image/image-files.ts';

import {
  directoryEntry,
  isOpaque,
  isWhiteout,
  linkEntry,
  symlinkEntry,
  useUnpackFixture,
} from '../../helpers/image/unpack-fixture.ts';

const layer = useUnpackFixture();

describe('unpackLayer', () => {
  it('keeps content, owners, modes with setuid, and times', async () => {
    const mtime = new Date(1_234_567_890_000);
    const size = await layer.unpack([
      directoryEntry('./', { mode: 0o711 }),
      directoryEntry('d/', { mode: 0o1777, uid: 7, gid: 8, mtime }),
      { name: 'd/su', content: 'program', mode: 0o4755, uid: 5, gid: 6, mtime },
      { name: 'locked', content: '', mode: 0o001 },
      symlinkEntry('d/link', '/etc/passwd'),
      linkEntry('d/hard', 'd/su'),
    ]);
    expect(size).toBe(7);
    const program = await stat(join(layer.root, 'd/su'));
    expect([program.mode & 0o7777, program.uid, program.gid, program.mtimeMs]).toEqual([
      0o4755,
      5,
      6,
      mtime.getTime(),
    ]);
    expect(program.nlink).toBe(2);
    expect(await readFile(join(layer.root, 'd/hard'), 'utf8')).toBe('program');
    const sticky = await stat(join(layer.root, 'd'));
    expect([sticky.mode & 0o7777, sticky.uid, sticky.gid, sticky.mtimeMs]).toEqual([
      0o1777,
      7,
      8,
      mtime.getTime(),
    ]);
    expect(await readlink(join(layer.root, 'd/link'))).toBe('/etc/passwd');
    expect((await stat(join(layer.root, 'locked'))).mode & 0o7777).toBe(1);
    expect((await stat(layer.root)).mode & 0o7777).toBe(0o711);
  });

  it('makes directories that the tar does not mention, whatever the umask', async () => {
    const before = process.umask(0o077);
    try {
      await layer.unpack([{ name: 'a/b/c', content: 'x', mode: 0o666 }]);
    } finally {
      process.umask(before);
    }
    expect((await stat(join(layer.root, 'a/b'))).mode & 0o7777).toBe(0o755);
    expect((await stat(join(layer.root, 'a/b/c'))).mode & 0o7777).toBe(0o666);
  });

  it('reads long names, large and fractional values as GNU and POSIX tar write them', async () => {
    const source = join(layer.directory, 'source');
    const long = `${'d'.repeat(120)}/${'f'.repeat(200)}`;
    await mkdir(join(source, 'd'.repeat(120)), { recursive: true });
    await writeFile(join(source, long), 'long');
    await writeFile(join(source, 'grüße'), 'unicode');
    const run = promisify(execFile);
    for (const format of ['gnu', 'posix']) {
      await layer.clear();
      const file = join(layer.directory, `${format}.tar`);
      await run('tar', [`--format=${format}`, '--owner=someone:3000000', '-C', source, '-cf', file, '.']);
      await layer.unpackBytes(await readFile(file));
      expect(await readFile(join(layer.root, long), 'utf8')).toBe('long');
      expect(await readFile(join(layer.root, 'grüße'), 'utf8')).toBe('unicode');
      expect((await stat(join(layer.root, 'grüße'))).uid).toBe(3_000_000);
    }
  });

  it('makes FIFOs, and leaves devices out', async () => {
    await layer.unpack([
      { name: 'dev/sda', type: 'block-device', devmajor: 8, devminor: 0 },
      { name: 'dev/gone', type: 'character-device', devmajor: 0, devminor: 0 },
      { name: 'pipe', type: 'fifo' },
      { name: 'kept' },
    ]);
    expect(await readdir(layer.root)).toEqual(['kept', 'pipe']);
    expect((await stat(join(layer.root, 'pipe'))).isFIFO()).toBe(true);
  });

  it('leaves out hard links to devices that are left out, and what stood there before', async () => {
    const device = (name: string): TestEntry => ({ name, type: 'block-device', devmajor: 8, devminor: 0 });
    await layer.unpack([
      { name: 'replaced', content: 'x' },
      { name: 'whole/directory/f', content: 'x' },
      symlinkEntry('link', 'whole'),
      device('replaced'),
      device('dev/sda'),
      linkEntry('dev/sdb', 'dev/sda'),
      { name: 'taken', content: 'x' },
      linkEntry('taken', './dev/sdb'),
      device('link/directory'),
      linkEntry('again', 'whole/directory'),
      { name: 'kept' },
    ]);
    expect(await readdir(layer.root)).toEqual(['kept', 'link', 'whole']);
    expect(await readdir(join(layer.root, 'whole'))).toEqual([]);
  });

  it('a hard link to what took the place of a device is one', async () => {
    const device: TestEntry = { name: 'f', type: 'block-device', devmajor: 8, devminor: 0 };
    await layer.unpack([device, { name: 'f', content: 'x' }, linkEntry('g', 'f')]);
    expect(await readFile(join(layer.root, 'g'), 'utf8')).toBe('x');
  });

  it('lets later entries replace earlier ones, and merges directories', async () => {
    await layer.unpack(
      [
        { name: 'a', content: '1' },
        { name: 'a', content: '2' },
        directoryEntry('d/', { mode: 0o700 }),
        { name: 'd/x', content: 'x' },
        directoryEntry('d/', { mode: 0o750 }),
        directoryEntry('e/'),
        { name: 'e/x', content: 'x' },
        { name: 'e', content: 'now a file' },
        { name: 'f', content: 'f' },
        { name: 'f/x', content: 'x', type: 'directory' },
      ].filter((entry) => entry.name !== 'f/x') as TestEntry[],
    );
    expect(await readFile(join(layer.root, 'a'), 'utf8')).toBe('2');
    expect(await readFile(join(layer.root, 'd/x'), 'utf8')).toBe('x');
    expect((await stat(join(layer.root, 'd'))).mode & 0o7777).toBe(0o750);
    expect(await readFile(join(layer.root, 'e'), 'utf8')).toBe('now a file');
  });
});

describe('whiteouts', () => {
  it('become what overlayfs understands, and nothing else', async () => {
    await layer.unpack([
      directoryEntry('d/', { mode: 0o750, mtime: new Date(5000) }),
      { name: 'd/.wh.gone' },
      { name: 'd/.wh.-odd näme' },
      { name: 'd/o/.wh..wh..opq' },
      { name: '.wh..wh.plnk/1.2' },
      { name: '.wh..wh.aufs' },
    ]);
    expect(await isWhiteout(join(layer.root, 'd/gone'))).toBe(true);
    expect(await isWhiteout(join(layer.root, 'd/-odd näme'))).toBe(true);
    expect(await isOpaque(join(layer.root, 'd/o'))).toBe(true);
    expect(await isOpaque(join(layer.root, 'd'))).toBe(false);
    expect(await readdir(layer.root)).toEqual(['d']);
    const stats = await stat(join(layer.root, 'd'));
    expect([stats.mode & 0o7777, stats.mtimeMs]).toEqual([0o750, 5000]);
  });

  it('concern lower layers only, wherever they stand in the tar', async () => {
    await layer.unpack([
      { name: 'file', content: 'kept' },
      { name: '.wh.file' },
      { name: '.wh.d' },
      { name: 'd/x', content: 'x' },
    ]);
    expect(await readFile(join(layer.root, 'file'), 'utf8')).toBe('kept');
    expect(await readFile(join(layer.root, 'd/x'), 'utf8')).toBe('x');
    expect(await isOpaque(join(layer.root, 'd'))).toBe(true);
  });

  it('can make the root opaque', async () => {
    await layer.unpack([{ name: '.wh..wh..opq' }]);
    expect(await isOpaque(layer.root)).toBe(true);
  });

  it.each(['.wh.', 'd/.wh..', 'd/.wh...'])('%s hides nothing and is refused', async (name) => {
    await expect(layer.unpack([{ name }])).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});
