import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LocalUnpacker } from '../../../../src/cli/copy/unpack-local.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { stateOf } from '../../../helpers/core/canary.ts';
import { pax, type RawEntry, rawEntry, rawTar } from '../../../helpers/image/raw-tar.ts';

/** What a hostile sandbox may send instead of the files that were asked for. */
let folder: string;
let notes: string[];
beforeEach(() => {
  notes = [];
  folder = mkdtempSync(join(tmpdir(), 'fsb-copy-'));
  mkdirSync(join(folder, 'in'));
  mkdirSync(join(folder, 'outside'));
  writeFileSync(join(folder, 'outside/secret'), 'untouched');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const inside = (path: string) => join(folder, 'in', path);

function unpack(tar: Buffer, { base = 'src', name = 'dst', owners = false } = {}): void {
  const plan = { directory: join(folder, 'in'), name };
  const unpacker = new LocalUnpacker({
    ...{ base, plan, owners },
    note: (text) => notes.push(text),
    copied: () => {},
  });
  try {
    unpacker.push(tar);
    unpacker.end();
  } finally {
    unpacker.close();
  }
}

const root: RawEntry = { name: 'src/', type: '5', mode: 0o755 };
const link = (name: string, linkname: string): RawEntry => ({ name, type: '2', linkname });

describe('what a sandbox sends', () => {
  it.each<[string, (outside: string) => RawEntry[]]>([
    ['another name than was asked for', () => [{ name: 'other', content: 'x' }]],
    ['a name beside what was asked for', () => [root, { name: 'srcx/f' }]],
    ['a name that leads up', () => [root, { name: 'src/../../outside/secret', content: 'x' }]],
    ['a name that leads up at once', () => [{ name: '../outside/secret', content: 'x' }]],
    ['a link, and a file through it', (at) => [root, link('src/l', at), { name: 'src/l/secret' }]],
    ['a link for all of it, and a file through that', (at) => [link('src', at), { name: 'src/secret' }]],
    ['a link, and a directory in its place', (at) => [link('src', at), root]],
    [
      'a link, and a hard link through it',
      (at) => [root, link('src/l', at), { name: 'src/h', type: '1', linkname: 'src/l/secret' }],
    ],
    [
      'a hard link to a link',
      (at) => [root, link('src/l', `${at}/secret`), { name: 'src/h', type: '1', linkname: 'src/l' }],
    ],
    ['a hard link out', () => [root, { name: 'src/h', type: '1', linkname: '../outside/secret' }]],
    ['a hard link to what was not asked for', () => [root, { name: 'src/h', type: '1', linkname: 'own' }]],
    ['a hard link to nothing', () => [root, { name: 'src/h', type: '1', linkname: 'src/nothing' }]],
    [
      'a sparse file that is as large as can be',
      () => [
        pax([
          ['GNU.sparse.size', '9007199254740991'],
          ['GNU.sparse.map', ''],
        ]),
        { name: 'src' },
      ],
    ],
    ['a NUL in a name', () => [pax([['path', 'src/a\0b']]), { name: 'f' }]],
    ['an unknown kind', () => [{ name: 'src', type: 'Z' }]],
    ['a file that is cut', () => [{ name: 'src', size: 5000 }]],
  ])('is refused: %s', async (_, parts) => {
    writeFileSync(inside('own'), 'own');
    const before = await stateOf(join(folder, 'outside'));
    expect(() => unpack(rawTar(...parts(join(folder, 'outside'))).subarray(0, -1024))).toThrow(FsbError);
    expect(await stateOf(join(folder, 'outside'))).toEqual(before);
    expect(lstatSync(inside('own')).nlink).toBe(1);
  });

  it('replaces a link of ours, and never writes through it', async () => {
    symlinkSync('../outside/secret', inside('dst'));
    unpack(rawTar({ name: 'src', content: 'x' }));
    expect(readFileSync(inside('dst'), 'utf8')).toBe('x');
    expect(readFileSync(join(folder, 'outside/secret'), 'utf8')).toBe('untouched');
  });

  it('takes an absolute name for one below', () => {
    unpack(rawTar({ name: '/src', content: 'x' }));
    expect(readdirSync(join(folder, 'in'))).toEqual(['dst']);
  });

  it('gets no device, no setuid, and no owner but us', () => {
    unpack(
      rawTar(
        root,
        { name: 'src/null', type: '3', devices: [1, 3] },
        { name: 'src/pipe', type: '6' },
        { name: 'src/su', mode: 0o6755, uid: 1234 },
      ),
    );
    expect(readdirSync(inside('dst'))).toEqual(['su']);
    expect(lstatSync(inside('dst/su'))).toMatchObject({ mode: 0o100755, uid: process.getuid!() });
    expect(notes).toEqual([
      `left out character-device ${inside('dst/null')}`,
      `left out fifo ${inside('dst/pipe')}`,
    ]);
  });

  it.runIf(process.getuid!() === 0)('keeps owners and setuid when that was asked for', () => {
    unpack(rawTar({ name: 'src', mode: 0o4755, uid: 1234 }), { owners: true });
    expect(lstatSync(inside('dst'))).toMatchObject({ mode: 0o104755, uid: 1234 });
  });

  it('never makes a directory of a file, nor a file of a directory', () => {
    mkdirSync(inside('dst'));
    expect(() => unpack(rawTar({ name: 'src' }))).toThrow(/cannot overwrite directory .*dst/);
    rmSync(inside('dst'), { recursive: true });
    writeFileSync(inside('dst'), '');
    expect(() => unpack(rawTar(root))).toThrow(/cannot overwrite file .*dst with a directory/);
  });

  it.each([['fifo', 'mkfifo -m 600'], ...(process.getuid!() === 0 ? [['device', 'mknod -m 600']] : [])])(
    'never takes the place of a %s',
    (kind, make) => {
      const words = [...make!.split(' '), inside('dst'), ...(kind === 'device' ? ['c', '1', '3'] : [])];
      execFileSync(words[0]!, words.slice(1));
      const before = lstatSync(inside('dst'));
      const refusal = new RegExp(`cannot overwrite ${kind} .*dst`);
      for (const entry of [{ name: 'src', content: 'x' }, link('src', 'x'), root])
        expect(() => unpack(rawTar(entry))).toThrow(refusal);
      expect(lstatSync(inside('dst'))).toMatchObject({ mode: before.mode, ino: before.ino });
    },
  );

  it('may be the content of a directory, which keeps what it has', () => {
    const before = lstatSync(join(folder, 'in')).mode;
    unpack(rawTar({ name: './', type: '5', mode: 0o777 }, { name: './a/b', content: 'x' }), {
      base: '.',
      name: '.',
    });
    expect(readFileSync(inside('a/b'), 'utf8')).toBe('x');
    expect(lstatSync(join(folder, 'in')).mode).toBe(before);
  });

  it('cannot drive the terminal with its names', () => {
    const tar = rawTar({ name: 'src/\u001b[2J', type: '6' });
    unpack(tar);
    expect(notes.join('')).not.toContain('\u001b');
    expect(() => unpack(rawEntry({ name: '\u001b[2J' }))).toThrow(/sent \?\[2J/);
  });

  describe('while somebody changes the tree', () => {
    const halves = (before: RawEntry[], after: RawEntry[], swap: () => void): void => {
      const plan = { directory: join(folder, 'in'), name: 'dst' };
      const options = { base: 'src', plan, owners: false, note: () => {}, copied: () => {} };
      const unpacker = new LocalUnpacker(options);
      try {
        unpacker.push(Buffer.concat(before.map(rawEntry)));
        swap();
        unpacker.push(Buffer.concat(after.map(rawEntry)));
      } finally {
        unpacker.close();
      }
    };
    const swapped = (path: string) => () => {
      renameSync(inside(path), inside('moved'));
      symlinkSync(join(folder, 'outside'), inside(path));
    };

    it.each<[string, RawEntry[], RawEntry[]]>([
      ['a file', [{ name: 'src/d/', type: '5' }], [{ name: 'src/d/secret', content: 'x' }]],
      ['a file beside one', [{ name: 'src/d/f' }], [{ name: 'src/d/secret', content: 'x' }]],
      ['a directory', [{ name: 'src/d/', type: '5' }], [{ name: 'src/d/e/', type: '5', mode: 0o777 }]],
      ['a hard link', [{ name: 'src/d/f' }], [{ name: 'src/h', type: '1', linkname: 'src/d/secret' }]],
      ['the mode of the directory', [{ name: 'src/d/', type: '5', mode: 0o777 }], []],
    ])('%s does not land where a link leads that is in the place of a directory now', async (_, ...both) => {
      const before = await stateOf(join(folder, 'outside'));
      let refusal: unknown;
      try {
        halves([root, ...both[0]], both[1], swapped('dst/d'));
      } catch (error) {
        refusal = error;
      }
      expect(await stateOf(join(folder, 'outside'))).toEqual(before);
      // What is in the directory that was entered before is still in that one.
      expect(refusal instanceof FsbError || both[1][0]?.name === 'src/d/secret').toBe(true);
    });
  });

  it('is not kept in memory: directories with megabytes of attributes', () => {
    const unpacker = new LocalUnpacker({
      ...{ base: 'src', owners: false, note: () => {}, copied: () => {} },
      plan: { directory: join(folder, 'in'), name: 'dst' },
    });
    const value = 'x'.repeat(60_000);
    const records = Array.from({ length: 16 }, (_, i): [string, string] => [`SCHILY.xattr.user.${i}`, value]);
    const entry = rawTar(pax(records), root).subarray(0, -1024);
    const before = process.memoryUsage();
    for (let i = 0; i < 300; i++) unpacker.push(Buffer.from(entry));
    const after = process.memoryUsage();
    unpacker.close();
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(150_000_000);
  });
});
