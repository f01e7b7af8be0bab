import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UnpackBudget } from '../../../src/core/image/unpack/budget.ts';
import type { FsbError } from '../../../src/core/model/failure/errors.ts';
import { type TestEntry, tarOf } from '../../helpers/image/image-files.ts';

import {
  directoryEntry,
  isOpaque,
  isWhiteout,
  linkEntry,
  symlinkEntry,
  useUnpackFixture,
} from '../../helpers/image/unpack-fixture.ts';

const layer = useUnpackFixture();

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
    ['a file as root', [{ name: '.', content: 'x', type: 'file' }], 'not a name'],
    ['a too long name', [{ name: 'n'.repeat(300), content: 'x' }], 'ENAMETOOLONG'],
    ['a too deep directory', [{ name: `${'d/'.repeat(3000)}x` }], 'ENAMETOOLONG'],
    ['a symbolic link without target', [{ name: 'x', type: 'symlink', linkname: '' }], 'valid target'],
  ])('%s is refused', async (_title, entries, reason) => {
    const failure = await layer.unpack(entries).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'invalid_argument', message: expect.stringContaining(reason) });
  });

  it('an absolute name is meant inside of the layer', async () => {
    await layer.unpack([{ name: '/etc/fsb-test', content: 'x' }]);
    expect(await readFile(join(layer.root, 'etc/fsb-test'), 'utf8')).toBe('x');
  });

  it('a symbolic link on the way leads somewhere inside of the layer', async () => {
    await layer.unpack([
      symlinkEntry('absolute', layer.outside),
      symlinkEntry('relative', '../../../../../../tmp'),
      { name: 'absolute/secret', content: 'new' },
      { name: 'relative/x', content: 'new' },
      { name: 'absolute/.wh.gone' },
      { name: 'absolute/o/.wh..wh..opq' },
    ]);
    expect(await readFile(join(layer.outside, 'secret'), 'utf8')).toBe('untouched');
    expect(await readFile(join(layer.root, layer.outside, 'secret'), 'utf8')).toBe('new');
    expect(await readFile(join(layer.root, 'tmp/x'), 'utf8')).toBe('new');
    expect(await isWhiteout(join(layer.root, layer.outside, 'gone'))).toBe(true);
  });

  it('a hard link does not reach through symbolic links', async () => {
    const failure = layer.unpack([
      symlinkEntry('d', layer.outside),
      linkEntry('x', 'd/secret'),
      { name: 'x', content: 'new' },
    ]);
    await expect(failure).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(await readFile(join(layer.outside, 'secret'), 'utf8')).toBe('untouched');
  });

  it('a hard link to a symbolic link is one more symbolic link, and writing replaces it', async () => {
    await layer.unpack([
      symlinkEntry('s', join(layer.outside, 'secret')),
      linkEntry('x', 's'),
      { name: 'x', content: 'new' },
    ]);
    expect(await readFile(join(layer.root, 'x'), 'utf8')).toBe('new');
    expect(await readFile(join(layer.outside, 'secret'), 'utf8')).toBe('untouched');
  });

  it('what was noted about a directory is not applied through the link that took its place', async () => {
    await layer.unpack([
      directoryEntry('d/', { mode: 0o777, uid: 99 }),
      directoryEntry('d/sub/', { mode: 0o777 }),
      { name: 'd/.wh.gone' },
      { name: 'd/.wh..wh..opq' },
      symlinkEntry('d', layer.outside),
    ]);
    expect((await stat(layer.outside)).uid).toBe(0);
    expect(await isOpaque(layer.outside)).toBe(false);
  });

  it('is held to its limits', async () => {
    const many = Array.from({ length: 11 }, (_, i) => ({ name: `f${i}` }));
    await expect(
      layer.unpack(many, { budget: UnpackBudget.of({ entries: 10, bytes: 1e6 }) }),
    ).rejects.toThrow('more than 10 entries');
    await layer.clear();
    const large = [{ name: 'f', content: Buffer.alloc(100_000) }];
    await expect(
      layer.unpack(large, { budget: UnpackBudget.of({ entries: 10, bytes: 50_000 }) }),
    ).rejects.toThrow('more than 50000 bytes');
  });

  it('a tar that lacks only the filling after its last byte is whole', async () => {
    const whole = await tarOf([{ name: 'f', content: 'x'.repeat(700) }]);
    await layer.unpackBytes(whole.subarray(0, 512 + 700));
    expect(await readFile(join(layer.root, 'f'), 'utf8')).toBe('x'.repeat(700));
    await layer.clear();
    const cut = layer.unpackBytes(whole.subarray(0, 512 + 699));
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
    await expect(layer.unpackBytes(bytes ?? cut)).rejects.toMatchObject({
      code: 'invalid_argument',
    });
  });

  it('stops when it is told to', async () => {
    await expect(layer.unpack([{ name: 'f' }], { signal: AbortSignal.abort() })).rejects.toMatchObject({
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
        await layer.clear();
        const before = await stat(layer.outside);
        const real = entries.map((one) => ({
          ...one,
          type: one.type as TestEntry['type'],
          linkname: one.linkname === 'OUTSIDE' ? layer.outside : one.linkname,
        }));
        await layer
          .unpack(real)
          .catch((error: unknown) => expect((error as FsbError).code).toBe('invalid_argument'));
        const after = await stat(layer.outside);
        expect([after.mode, after.ctimeMs, after.nlink]).toEqual([before.mode, before.ctimeMs, before.nlink]);
        const secret = await stat(join(layer.outside, 'secret'));
        expect([secret.nlink, secret.size, secret.mode & 0o7777]).toEqual([1, 9, 0o600]);
        expect(await readdir(layer.directory)).toEqual(['layer', 'outside']);
      }),
      { numRuns: 400 },
    );
  });
});
