import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { unpackLayer } from '../../../src/core/image/unpack/unpack-layer.ts';
import { launchBinary } from '../../helpers/guest-programs.ts';
import { longName, pax, type RawEntry, rawEntry, rawTar } from '../../helpers/raw-tar.ts';
import { useUnpackFixture } from '../../helpers/unpack-fixture.ts';

const layer = useUnpackFixture();
const MIB = 1024 ** 2;
const sparse: [string, string][] = [
  ['GNU.sparse.major', '1'],
  ['GNU.sparse.minor', '0'],
  ['GNU.sparse.realsize', '0'],
];

/** What the process holds when nothing more can be let go. */
function held(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Bytes that are kept of a layer of `count` things, when its end comes. */
async function keptOf(count: number, thing: (index: number) => RawEntry[]): Promise<number> {
  let kept = Number.NaN;
  async function* tar(): AsyncGenerator<Buffer> {
    const before = held();
    for (let i = 0; i < count; i++) yield Buffer.concat(thing(i).map(rawEntry));
    kept = held() - before;
    throw new Error('enough');
  }
  await expect(unpackLayer(tar(), layer.root, { launchBinary })).rejects.toThrow('enough');
  return kept;
}

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
