import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { unpackLayer } from '../../../src/core/image/unpack/unpack-layer.ts';
import { launch } from '../../helpers/guest/guest-programs.ts';
import { longName, pax, type RawEntry, rawEntry, rawTar } from '../../helpers/image/raw-tar.ts';
import { useUnpackFixture } from '../../helpers/image/unpack-fixture.ts';

const layer = useUnpackFixture();
const MIB = 1024 ** 2;
const sparse: [string, string][] = [
  ['GNU.sparse.major', '1'],
  ['GNU.sparse.minor', '0'],
  ['GNU.sparse.realsize', '0'],
];

/** What the process holds when nothing more can be let go. */
async function held(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // Twice: buffers are let go of beside the first one.
  collect();
  await turn();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Bytes that are kept of a layer of `count` things, when its end comes. */
async function keptOf(count: number, thing: (index: number) => RawEntry[]): Promise<number> {
  let kept = Number.NaN;
  async function* tar(): AsyncGenerator<Buffer> {
    const before = await held();
    for (let i = 0; i < count; i++) yield Buffer.concat(thing(i).map(rawEntry));
    kept = (await held()) - before;
    throw new Error('enough');
  }
  await expect(unpackLayer(tar(), layer.root, { launch })).rejects.toThrow('enough');
  return kept;
}

describe('extended attributes', () => {
  it('that are kept do not keep those that are not', async () => {
    const dropped = 'x'.repeat(4000);
    const header = pax([
      ['SCHILY.xattr.unknown.a', dropped],
      ['SCHILY.xattr.user.a', 'x'],
      ['SCHILY.xattr.unknown.b', dropped],
    ]);
    const kept = keptOf(3_000, (i) => [header, { name: `l${i}`, type: '2', linkname: 'x' }]);
    expect(await kept).toBeLessThan(6 * MIB);
  });

  it.each([1, 3000])('of %i bytes count for what they take', async (bytes) => {
    const header = pax([['SCHILY.xattr.user.a', 'x'.repeat(bytes)]]);
    const counted = 400 + bytes + 300 + 300;
    const kept = await keptOf(3_000, (i) => [header, { name: `l${i}`, type: '2', linkname: 'x' }]);
    expect(kept / 3_000).toBeLessThan(1.3 * counted);
  });
});

it('times of files are not kept until the end', async () => {
  const header = pax([['mtime', '1234567890.123456789']]);
  const kept = await keptOf(3_000, (i) => [header, { name: `l${i}`, type: '2', linkname: 'x' }]);
  expect(kept / 3_000).toBeLessThan(500);
});

describe('names', () => {
  it.each<[string, RawEntry[]]>([
    ['a long name', [longName('./'.repeat(2048)), {}]],
    ['a name in an extended header', [pax([['path', `${'./'.repeat(2047)}ab`]]), {}]],
    ['a name of a whiteout', [pax([['path', `${'./'.repeat(500_000)}.wh.a`]]), {}]],
    ['a long link name', [longName('x'.repeat(4096), 'K'), { type: '2' }]],
    ['a link name in an extended header', [pax([['linkpath', 'x'.repeat(4096)]]), { type: '1' }]],
    ['a sparse name', [pax([...sparse, ['GNU.sparse.name', 'x'.repeat(4096)]]), {}]],
  ])('longer than any path is refused: %s', async (_what, parts) => {
    await expect(layer.unpackBytes(rawTar(...parts))).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('4095'),
    });
  });

  it('as long as a path can be are taken', async () => {
    const name = `${'./'.repeat(2046)}abc`;
    await layer.unpackBytes(rawTar(longName('x'.repeat(4095), 'K'), longName(name), { type: '2' }));
  });

  it('that are kept do not keep what they were cut out of', async () => {
    const path = (i: number): string => `${'./'.repeat(2000)}.wh.a-name-of-some-length-${i}`;
    expect(await keptOf(20_000, (i) => [longName(path(i)), {}])).toBeLessThan(40 * MIB);
  });
});
