import { execFile } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unpackLayer } from '../../../src/core/image/unpack/unpack-layer.ts';
import type { FsbError } from '../../../src/core/model/errors.ts';
import { type TestEntry, tarOf } from '../../helpers/image-files.ts';

let directory: string;
let root: string;
let outside: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fsb-unpack-'));
  root = join(directory, 'layer');
  outside = join(directory, 'outside');
  await mkdir(root);
  await mkdir(outside);
  await writeFile(join(outside, 'secret'), 'untouched', { mode: 0o600 });
});

afterEach(() => rm(directory, { recursive: true, force: true }));

async function unpack(entries: TestEntry[], limits?: { entries: number; bytes: number }): Promise<number> {
  return unpackLayer(Readable.from([await tarOf(entries)]), root, limits);
}

async function isWhiteout(path: string): Promise<boolean> {
  const stats = await lstat(path);
  return stats.isCharacterDevice() && stats.rdev === 0;
}

async function isOpaque(path: string): Promise<boolean> {
  const script = 'import os,sys; print(*os.listxattr(sys.argv[1]))';
  const { stdout } = await promisify(execFile)('python3', ['-c', script, path]);
  return stdout.split(/\s/).includes('trusted.overlay.opaque');
}

const directoryEntry = (name: string, more: Partial<TestEntry> = {}): TestEntry => ({
  name,
  type: 'directory',
  ...more,
});
const symlinkEntry = (name: string, linkname: string): TestEntry => ({ name, type: 'symlink', linkname });
const linkEntry = (name: string, linkname: string): TestEntry => ({ name, type: 'link', linkname });

describe('unpackLayer', () => {
  it('keeps content, owners, modes with setuid, and times', async () => {
    const mtime = new Date(1_234_567_890_000);
    const size = await unpack([
      directoryEntry('./', { mode: 0o711 }),
      directoryEntry('d/', { mode: 0o1777, uid: 7, gid: 8, mtime }),
      { name: 'd/su', content: 'program', mode: 0o4755, uid: 5, gid: 6, mtime },
      { name: 'locked', content: '', mode: 0o001 },
      symlinkEntry('d/link', '/etc/passwd'),
      linkEntry('d/hard', 'd/su'),
    ]);
    expect(size).toBe(7);
    const program = await stat(join(root, 'd/su'));
    expect([program.mode & 0o7777, program.uid, program.gid, program.mtimeMs]).toEqual([
      0o4755,
      5,
      6,
      mtime.getTime(),
    ]);
    expect(program.nlink).toBe(2);
    expect(await readFile(join(root, 'd/hard'), 'utf8')).toBe('program');
    const sticky = await stat(join(root, 'd'));
    expect([sticky.mode & 0o7777, sticky.uid, sticky.gid, sticky.mtimeMs]).toEqual([
      0o1777,
      7,
      8,
      mtime.getTime(),
    ]);
    expect(await readlink(join(root, 'd/link'))).toBe('/etc/passwd');
    expect((await stat(join(root, 'locked'))).mode & 0o7777).toBe(1);
    expect((await stat(root)).mode & 0o7777).toBe(0o711);
  });

  it('makes directories that the tar does not mention, whatever the umask', async () => {
    const before = process.umask(0o077);
    try {
      await unpack([{ name: 'a/b/c', content: 'x', mode: 0o666 }]);
    } finally {
      process.umask(before);
    }
    expect((await stat(join(root, 'a/b'))).mode & 0o7777).toBe(0o755);
    expect((await stat(join(root, 'a/b/c'))).mode & 0o7777).toBe(0o666);
  });

  it('reads long names, large and fractional values as GNU and POSIX tar write them', async () => {
    const source = join(directory, 'source');
    const long = `${'d'.repeat(120)}/${'f'.repeat(200)}`;
    await mkdir(join(source, 'd'.repeat(120)), { recursive: true });
    await writeFile(join(source, long), 'long');
    await writeFile(join(source, 'grüße'), 'unicode');
    const run = promisify(execFile);
    for (const format of ['gnu', 'posix']) {
      await rm(root, { recursive: true });
      await mkdir(root);
      const file = join(directory, `${format}.tar`);
      await run('tar', [`--format=${format}`, '--owner=someone:3000000', '-C', source, '-cf', file, '.']);
      await unpackLayer(Readable.from([await readFile(file)]), root);
      expect(await readFile(join(root, long), 'utf8')).toBe('long');
      expect(await readFile(join(root, 'grüße'), 'utf8')).toBe('unicode');
      expect((await stat(join(root, 'grüße'))).uid).toBe(3_000_000);
    }
  });

  it('leaves devices and FIFOs out', async () => {
    await unpack([
      { name: 'dev/sda', type: 'block-device', devmajor: 8, devminor: 0 },
      { name: 'dev/gone', type: 'character-device', devmajor: 0, devminor: 0 },
      { name: 'pipe', type: 'fifo' },
      { name: 'kept' },
    ]);
    expect(await readdir(root)).toEqual(['kept']);
  });

  it('lets later entries replace earlier ones, and merges directories', async () => {
    await unpack(
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
    expect(await readFile(join(root, 'a'), 'utf8')).toBe('2');
    expect(await readFile(join(root, 'd/x'), 'utf8')).toBe('x');
    expect((await stat(join(root, 'd'))).mode & 0o7777).toBe(0o750);
    expect(await readFile(join(root, 'e'), 'utf8')).toBe('now a file');
  });
});

describe('whiteouts', () => {
  it('become what overlayfs understands, and nothing else', async () => {
    await unpack([
      directoryEntry('d/', { mode: 0o750, mtime: new Date(5000) }),
      { name: 'd/.wh.gone' },
      { name: 'd/.wh.-odd näme' },
      { name: 'd/o/.wh..wh..opq' },
      { name: '.wh..wh.plnk/1.2' },
      { name: '.wh..wh.aufs' },
    ]);
    expect(await isWhiteout(join(root, 'd/gone'))).toBe(true);
    expect(await isWhiteout(join(root, 'd/-odd näme'))).toBe(true);
    expect(await isOpaque(join(root, 'd/o'))).toBe(true);
    expect(await isOpaque(join(root, 'd'))).toBe(false);
    expect(await readdir(root)).toEqual(['d']);
    const stats = await stat(join(root, 'd'));
    expect([stats.mode & 0o7777, stats.mtimeMs]).toEqual([0o750, 5000]);
  });

  it('concern lower layers only, wherever they stand in the tar', async () => {
    await unpack([
      { name: 'file', content: 'kept' },
      { name: '.wh.file' },
      { name: '.wh.d' },
      { name: 'd/x', content: 'x' },
    ]);
    expect(await readFile(join(root, 'file'), 'utf8')).toBe('kept');
    expect(await readFile(join(root, 'd/x'), 'utf8')).toBe('x');
    expect(await isOpaque(join(root, 'd'))).toBe(true);
  });

  it('can make the root opaque', async () => {
    await unpack([{ name: '.wh..wh..opq' }]);
    expect(await isOpaque(root)).toBe(true);
  });

  it.each(['.wh.', 'd/.wh..', 'd/.wh...'])('%s hides nothing and is refused', async (name) => {
    await expect(unpack([{ name }])).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});

describe('hostile tars', () => {
  it.each<[string, TestEntry[], string]>([
    ['a name with ..', [{ name: '../outside/secret', content: 'x' }], 'leads out'],
    ['.. in the middle', [{ name: 'a/../../outside/x', content: 'x' }], 'leads out'],
    ['a hard link with ..', [linkEntry('x', '../outside/secret')], 'leads out'],
    ['a whiteout with ..', [{ name: '../outside/.wh.secret' }], 'leads out'],
    ['a hard link to what is not there', [linkEntry('x', '/etc/hostname')], 'not in the layer'],
    ['a hard link to a directory', [directoryEntry('d'), linkEntry('x', 'd')], 'directory'],
    [
      'a file below a file',
      [
        { name: 'f', content: 'x' },
        { name: 'f/x', content: 'x' },
      ],
      'not a directory',
    ],
    [
      'symbolic links in a circle',
      [symlinkEntry('a', 'b'), symlinkEntry('b', 'a'), { name: 'a/x' }],
      'too many',
    ],
    ['a file as root', [{ name: './', content: 'x', type: 'file' }], 'not a name'],
    ['a too long name', [{ name: 'n'.repeat(300), content: 'x' }], 'ENAMETOOLONG'],
    ['a too deep directory', [{ name: `${'d/'.repeat(3000)}x` }], 'ENAMETOOLONG'],
    ['a symbolic link without target', [{ name: 'x', type: 'symlink', linkname: '' }], 'valid target'],
  ])('%s is refused', async (_title, entries, reason) => {
    const failure = await unpack(entries).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining(reason) });
    expect(await readdir(outside)).toEqual(['secret']);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('untouched');
  });

  it('an absolute name is meant inside of the layer', async () => {
    await unpack([{ name: '/etc/fsb-test', content: 'x' }]);
    expect(await readFile(join(root, 'etc/fsb-test'), 'utf8')).toBe('x');
  });

  it('a symbolic link on the way leads somewhere inside of the layer', async () => {
    await unpack([
      symlinkEntry('absolute', outside),
      symlinkEntry('relative', '../../../../../../tmp'),
      { name: 'absolute/secret', content: 'new' },
      { name: 'relative/x', content: 'new' },
      { name: 'absolute/.wh.gone' },
      { name: 'absolute/o/.wh..wh..opq' },
    ]);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('untouched');
    expect(await readFile(join(root, outside, 'secret'), 'utf8')).toBe('new');
    expect(await readFile(join(root, 'tmp/x'), 'utf8')).toBe('new');
    expect(await isWhiteout(join(root, outside, 'gone'))).toBe(true);
  });

  it('a hard link does not reach through symbolic links', async () => {
    const failure = unpack([
      symlinkEntry('d', outside),
      linkEntry('x', 'd/secret'),
      { name: 'x', content: 'new' },
    ]);
    await expect(failure).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('untouched');
  });

  it('a hard link to a symbolic link is one more symbolic link, and writing replaces it', async () => {
    await unpack([
      symlinkEntry('s', join(outside, 'secret')),
      linkEntry('x', 's'),
      { name: 'x', content: 'new' },
    ]);
    expect(await readFile(join(root, 'x'), 'utf8')).toBe('new');
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('untouched');
  });

  it('what was noted about a directory is not applied through the link that took its place', async () => {
    await unpack([
      directoryEntry('d/', { mode: 0o777, uid: 99 }),
      directoryEntry('d/sub/', { mode: 0o777 }),
      { name: 'd/.wh.gone' },
      { name: 'd/.wh..wh..opq' },
      symlinkEntry('d', outside),
    ]);
    expect((await stat(outside)).uid).toBe(0);
    expect(await readdir(outside)).toEqual(['secret']);
    expect(await isOpaque(outside)).toBe(false);
  });

  it('is held to its limits', async () => {
    const many = Array.from({ length: 11 }, (_, i) => ({ name: `f${i}` }));
    await expect(unpack(many, { entries: 10, bytes: 1e6 })).rejects.toThrow('more than 10 entries');
    const large = [{ name: 'f', content: Buffer.alloc(100_000) }];
    await expect(unpack(large, { entries: 10, bytes: 50_000 })).rejects.toThrow('more than 50000 bytes');
  });

  it('a tar that lacks only the filling after its last byte is whole', async () => {
    const whole = await tarOf([{ name: 'f', content: 'x'.repeat(700) }]);
    await unpackLayer(Readable.from([whole.subarray(0, 512 + 700)]), root);
    expect(await readFile(join(root, 'f'), 'utf8')).toBe('x'.repeat(700));
    const cut = unpackLayer(Readable.from([whole.subarray(0, 512 + 699)]), root);
    await expect(cut).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('middle'),
    });
  });

  it.each([
    ['random bytes', Buffer.alloc(4096, 0x5a)],
    ['a cut tar', undefined],
  ])('%s: an error that says so', async (_title, bytes) => {
    const cut = (await tarOf([{ name: 'f', content: Buffer.alloc(5000) }])).subarray(0, 3000);
    await expect(unpackLayer(Readable.from([bytes ?? cut]), root)).rejects.toMatchObject({
      code: 'invalid_argument',
    });
  });

  it('stops when it is told to', async () => {
    const source = Readable.from([await tarOf([{ name: 'f' }])]);
    await expect(unpackLayer(source, root, undefined, AbortSignal.abort())).rejects.toMatchObject({
      code: 'cancelled',
    });
  });

  it('never touches anything outside, whatever the entries are', { timeout: 120_000 }, async () => {
    const name = fc.array(fc.constantFrom('a', 'b', '..', '.wh.a', '.wh..wh..opq', '', '/'), {
      minLength: 1,
      maxLength: 4,
    });
    const target = fc.oneof(
      fc.constantFrom('..', '../..', '../../outside', '../outside/secret', '/', '.', 'a', 'b', 'a/b'),
      fc.constant('OUTSIDE'),
    );
    const entry = fc.record({
      name: name.map((parts) => parts.join('/')),
      type: fc.constantFrom('file', 'directory', 'symlink', 'symlink', 'link' as const),
      linkname: target,
      mode: fc.constantFrom(0o777, 0),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { minLength: 2, maxLength: 12 }), async (entries) => {
        await rm(root, { recursive: true, force: true });
        await mkdir(root);
        const before = await stat(outside);
        const real = entries.map((one) => ({
          ...one,
          type: one.type as TestEntry['type'],
          linkname: one.linkname === 'OUTSIDE' ? outside : one.linkname,
        }));
        await unpack(real).catch((error: unknown) =>
          expect((error as FsbError).code).toBe('invalid_argument'),
        );
        const after = await stat(outside);
        expect([after.mode, after.ctimeMs, after.nlink]).toEqual([before.mode, before.ctimeMs, before.nlink]);
        const secret = await stat(join(outside, 'secret'));
        expect([secret.nlink, secret.size, secret.mode & 0o7777]).toEqual([1, 9, 0o600]);
        expect(await readdir(directory)).toEqual(['layer', 'outside']);
      }),
      { numRuns: 400 },
    );
  });
});
