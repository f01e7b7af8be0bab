import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UnpackBudget } from '../../../src/core/image/unpack/budget.ts';
import {
  END,
  filled,
  longName,
  pax,
  paxRecord,
  type RawEntry,
  rawEntry,
  rawTar,
} from '../../helpers/image/raw-tar.ts';
import { attributesOf, isOpaque, useUnpackFixture } from '../../helpers/image/unpack-fixture.ts';

const layer = useUnpackFixture();

const binary = (bytes: number[]): Buffer => Buffer.from(bytes);
const text = (value: string): Buffer => Buffer.from(value);
const gnu = 'ustar  \0';
const sparse10: [string, string][] = [
  ['GNU.sparse.major', '1'],
  ['GNU.sparse.minor', '0'],
  ['GNU.sparse.realsize', '100'],
];

/** GNU tar's own form, whose map goes on in this many blocks. */
function oldSparseMap(blocks: number): (RawEntry | Buffer)[] {
  const block = Buffer.alloc(512);
  block.write('00000000000\0'.repeat(42));
  block[504] = 1;
  return [
    { type: 'S', magic: gnu, change: (header) => header.fill(1, 482, 483) },
    ...Array.from({ length: blocks }, () => block),
  ];
}

describe('tars that no tool writes', () => {
  it.each(['0', '\0'])('what follows a directory of the kind %j is no header', async (type) => {
    const smuggled = rawEntry({ name: 'smuggled' });
    await layer.unpackBytes(rawTar({ name: 'd/', type, content: smuggled }, { name: 'd/f' }));
    expect(await readdir(layer.root)).toEqual(['d']);
    expect(await readdir(join(layer.root, 'd'))).toEqual(['f']);
  });

  it.each<[string, (RawEntry | Buffer)[], string]>([
    ['a negative size', [{ size: binary([0xff, ...Array(11).fill(0xff)]) }], 'negative'],
    ['a size beyond all numbers', [{ size: binary([0x80, ...Array(11).fill(0xff)]) }], 'not a number'],
    ['a size larger than the tar', [{ size: 0o77777777777 }], 'middle'],
    ['a size that is no number', [{ size: text('12345678x9\0') }], 'not a number'],
    ['a size in an extended header that is none', [pax([['size', '-1']]), {}], 'not a number'],
    ['a huge size in an extended header', [pax([['size', '99999999999999999999']]), {}], 'not a number'],
    ['an owner beyond 32 bits', [{ uid: binary([0x80, 0, 0, 1, 0, 0, 0, 0]) }], 'no user or group'],
    ['the owner that means no owner', [pax([['uid', '4294967295']]), {}], 'no user or group'],
    ['a negative owner', [{ uid: binary(Array(8).fill(0xff)) }], 'no user or group'],
    ['a path in an extended header with ..', [pax([['path', '../outside/secret']]), {}], 'leads out'],
    ['a path in an extended header with NUL', [pax([['path', 'a\0b']]), {}], 'NUL'],
    ['a link in an extended header with NUL', [pax([['linkpath', 'a\0b']]), { type: '2' }], 'NUL'],
    [
      'a link target with .. in an extended header',
      [pax([['linkpath', '../x']]), { type: '1' }],
      'leads out',
    ],
    ['a long name with ..', [longName('../outside/secret'), {}], 'leads out'],
    ['a long link name with ..', [longName('../outside/secret', 'K'), { type: '1' }], 'leads out'],
    ['an extended header of 2 MiB', [{ type: 'x', size: 2 * 1024 ** 2 }], 'extended header'],
    ['a long name of 2 MiB', [{ type: 'L', size: 2 * 1024 ** 2 }], 'extended header'],
    ['a record longer than its header', [{ type: 'x', content: '99 path=x\n' }, {}], 'damaged'],
    ['a record of no length', [{ type: 'x', content: '0 path=x\n' }, {}], 'damaged'],
    ['a record without =', [{ type: 'x', content: '7 path\n\n' }, {}], 'damaged'],
    ['a record without an end', [{ type: 'x', content: '9 path=xx' }, {}], 'damaged'],
    ['a record without a key', [{ type: 'x', content: '5 =x\n' }, {}], 'damaged'],
    ['an extended header at the end', [pax([['path', 'x']])], 'ends behind'],
    ['an unknown kind', [{ type: 'Q' }], 'unknown kind'],
    ['a wrong checksum', [rawEntry({}).fill('x', 0, 1)], 'checksum'],
    ['more behind a block of zeros', [Buffer.alloc(512), {}], 'zeros'],
    ['a whiteout below a whiteout', [{ name: '.wh.a/.wh.b' }], 'no directory'],
    [
      'a whiteout of a name that is too long',
      [pax([['path', `.wh.${'n'.repeat(256)}`]]), {}],
      'ENAMETOOLONG',
    ],
    ['a sparse file without a map', [pax(sparse10), { content: 'x'.repeat(512) }], 'damaged map'],
    ['a sparse map that goes on and on', [pax(sparse10), { content: '9999\n'.repeat(1000) }], 'damaged map'],
    [
      'a sparse map over itself',
      [pax(sparse10), { content: Buffer.concat([filled(text('2\n0\n5\n3\n5\n')), Buffer.alloc(10)]) }],
      'damaged map',
    ],
    [
      'a sparse map beyond its file',
      [pax(sparse10), { content: Buffer.concat([filled(text('1\n99\n5\n')), Buffer.alloc(5)]) }],
      'damaged map',
    ],
    [
      'a sparse map with too many segments',
      [pax(sparse10), { content: '60000000\n'.padEnd(600, '1') }],
      'damaged map',
    ],
    [
      'a sparse map in a header that is half',
      [
        pax([
          ['GNU.sparse.size', '5'],
          ['GNU.sparse.map', '0,1,2'],
        ]),
        { content: 'x' },
      ],
      'damaged map',
    ],
    [
      'a sparse file of an unknown format',
      [
        pax([
          ['GNU.sparse.major', '2'],
          ['GNU.sparse.realsize', '1'],
        ]),
        {},
      ],
      'unknown format',
    ],
    [
      'a sparse name that leads out',
      [pax([...sparse10, ['GNU.sparse.name', '../x']]), { content: filled(text('0\n')) }],
      'leads out',
    ],
    ['a sparse directory', [pax(sparse10), { type: '5' }], 'sparse and no file'],
    ['an old sparse map that never ends', oldSparseMap(3000), 'damaged map'],
    ['a hard link to itself', [{ type: '1', name: 'a', linkname: 'a' }], 'not in the layer'],
    [
      'a hard link to a whiteout',
      [{ name: '.wh.a' }, { type: '1', name: 'b', linkname: 'a' }],
      'not in the layer',
    ],
    [
      'a hard link in place of the directory that has its target',
      [{ name: 'd/x' }, { type: '1', name: 'd', linkname: 'd/x' }],
      'below it',
    ],
    ['a file below a FIFO', [{ type: '6', name: 'p' }, { name: 'p/x' }], 'not a directory'],
  ])('%s: refused, with a reason', async (_title, parts, reason) => {
    const failure = await layer.unpackBytes(rawTar(...parts)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: expect.stringContaining(reason) });
    expect(['invalid_argument', 'unsupported']).toContain((failure as { code: string }).code);
  });

  it('that are cut off at any block, or within one, never pass as whole in the middle of an entry', async () => {
    const whole = rawTar(
      pax([['path', 'long']]),
      { content: 'x'.repeat(1000) },
      longName('other'),
      {},
      { name: 'd/', type: '5' },
    );
    // Between two entries a tar may end: that something is missing is for the digest to tell.
    const betweenEntries = new Set([0, 2560, 4096, 4608, 5120, 5632]);
    for (let length = 0; length <= whole.length; length += 128) {
      await layer.clear();
      const outcome = await layer.unpackBytes(whole.subarray(0, length)).then(
        () => 'whole',
        (error) => error.code,
      );
      const mayEnd =
        [...betweenEntries].some((end) => end === length) ||
        length > 4608 ||
        (length > 2536 && length < 2560);
      expect([length, outcome]).toEqual([length, mayEnd ? 'whole' : 'invalid_argument']);
    }
  });

  it('of one long chain of extended headers are held to the limit of entries', async () => {
    const chain = Buffer.concat(Array.from({ length: 200 }, () => rawEntry(pax([['comment', 'x']]))));
    const budget = UnpackBudget.of({ entries: 100, bytes: 1e9 });
    await expect(layer.unpackBytes(rawTar(chain, {}), { budget })).rejects.toThrow('more than 100 entries');
  });

  it('with a sparse file of a petabyte are over the limit of bytes', async () => {
    const map = [
      pax([
        ['GNU.sparse.size', `${2 ** 50}`],
        ['GNU.sparse.map', ''],
      ]),
      {},
    ];
    await expect(layer.unpackBytes(rawTar(...map))).rejects.toThrow('more than');
    expect(await readdir(layer.root)).toEqual([]);
  });

  it('of nothing but directories, attributes or whiteouts end before the memory does', async () => {
    const budget = UnpackBudget.of({ entries: 1e6, bytes: 1e9, memory: 1024 ** 2 });
    const many = (make: (i: number) => (RawEntry | Buffer)[]): Buffer =>
      rawTar(...Array.from({ length: 4000 }, (_, i) => make(i)).flat());
    const attribute = rawEntry(pax([['SCHILY.xattr.user.x', Buffer.alloc(1000)]]));
    for (const tar of [
      many((i) => [{ name: `d${i}/`, type: '5' }]),
      many(() => [attribute, {}]),
      many((i) => [{ name: `.wh.${i}` }]),
    ]) {
      await layer.clear();
      await expect(layer.unpackBytes(tar, { budget })).rejects.toThrow('1 MiB of memory');
    }
  });
});

describe('names and values at the edge', () => {
  it('are kept byte by byte', async () => {
    const odd = [
      Buffer.from([0x66, 0xff, 0xfe]),
      text('new\nline'),
      text(' blank '),
      text('.wh'),
      text('a\\b'),
    ];
    await layer.unpackBytes(
      rawTar(...odd.map((name) => ({ name, content: 'x' })), longName('n'.repeat(255)), {}),
    );
    const names = await readdir(layer.root, { encoding: 'buffer' });
    const hex = (names: Buffer[]): string[] => names.map((name) => name.toString('hex')).sort();
    expect(hex(names)).toEqual(hex([...odd, Buffer.alloc(255, 'n')]));
  });

  it('of two extended headers the last one counts, and a global one never', async () => {
    const first = pax([
      ['path', 'no'],
      ['path', 'yes'],
    ]);
    await layer.unpackBytes(
      rawTar(pax([['path', 'all']], 'g'), pax([['path', 'old']]), first, {}, { name: 'plain' }),
    );
    expect((await readdir(layer.root)).sort()).toEqual(['plain', 'yes']);
  });

  it('an empty value in an extended header is none', async () => {
    await layer.unpackBytes(rawTar({ type: 'x', content: paxRecord('path', '') }, { name: 'kept' }));
    expect(await readdir(layer.root)).toEqual(['kept']);
  });

  it('reads tars of before ustar, signed checksums, and what follows the end', async () => {
    const old = rawEntry({ name: 'old', magic: '', content: 'x' });
    await layer.unpackBytes(Buffer.concat([old, rawEntry({ name: 'd/', magic: '' }), END, text('anything')]));
    expect((await lstat(join(layer.root, 'd'))).isDirectory()).toBe(true);
    expect(await readFile(join(layer.root, 'old'), 'utf8')).toBe('x');
  });

  it('never plants what means something to overlayfs, or to a security module', async () => {
    const planted = [
      'trusted.overlay.opaque',
      'user.overlay.opaque',
      'trusted.overlay.redirect',
      'security.selinux',
      'security.ima',
    ];
    const records = planted.map((name): [string, string] => [`SCHILY.xattr.${name}`, 'y']);
    await layer.unpackBytes(
      rawTar(
        pax([...records, ['SCHILY.xattr.trusted.own', 'y']]),
        { name: 'd/', type: '5' },
        pax(records),
        {},
      ),
    );
    expect(await attributesOf(join(layer.root, 'd'))).toEqual({ 'trusted.own': '79' });
    expect(await attributesOf(join(layer.root, 'f'))).toEqual({});
    expect(await isOpaque(join(layer.root, 'd'))).toBe(false);
  });

  it('leaves out a device that would be a whiteout, also where devices are wanted', async () => {
    const parts: RawEntry[] = [
      { name: 'hidden', type: '3', devices: [0, 0] },
      { name: 'null', type: '3', devices: [1, 3], mode: 0o666 },
    ];
    await layer.unpackBytes(rawTar(...parts), { devices: true });
    expect(await readdir(layer.root)).toEqual(['null']);
    const stats = await lstat(join(layer.root, 'null'));
    expect([stats.isCharacterDevice(), stats.rdev, stats.mode & 0o7777]).toEqual([true, 0x103, 0o666]);
  });
});
