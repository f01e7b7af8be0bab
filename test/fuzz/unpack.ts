import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { UnpackBudget } from '../../src/core/image/unpack/budget.ts';
import { unpackLayer } from '../../src/core/image/unpack/unpack-layer.ts';
import { FsbError } from '../../src/core/model/failure/errors.ts';
import { stateOf } from '../helpers/core/canary.ts';
import { launch } from '../helpers/guest/guest-programs.ts';
import { unpackCorpus } from './unpack-corpus.ts';

/** What a hostile layer may be refused with; anything else means that something unforeseen has happened. */
const EXPECTED = ['invalid_argument', 'unsupported', 'no_capacity'];
const LIMITS = { entries: 1_000, bytes: 4 * 1024 ** 2, memory: 1024 ** 2 };

/** Whole numbers of 0..below; the same seed gives the same ones (mulberry32). */
export function randomNumbers(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Two tars of the corpus mixed by blocks, and then a few bytes changed; a header keeps a right checksum mostly. */
export function mutatedTar(corpus: readonly Buffer[], random: (below: number) => number): Buffer {
  const [one, other] = [corpus[random(corpus.length)]!, corpus[random(corpus.length)]!];
  const cut = (tar: Buffer): number => 512 * random(tar.length / 512 + 1);
  const tar = Buffer.concat([
    one.subarray(0, cut(one)),
    other.subarray(cut(other) % (other.length + 1)),
    one,
  ]);
  for (let changes = random(6); changes > 0; changes--) {
    const block = tar.subarray(512 * random(tar.length / 512)).subarray(0, 512);
    const isHeader = block.toString('latin1', 257, 262) === 'ustar';
    block[random(512)] = random(4) === 0 ? random(256) : '\0/.01257xgLKS9 '.charCodeAt(random(15));
    if (isHeader && random(10) > 0) writeChecksum(block);
  }
  return random(4) === 0 ? tar.subarray(0, random(tar.length + 1)) : tar;
}

function writeChecksum(block: Buffer): void {
  block.fill(' ', 148, 156);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
}

/** Unpacks mutated tars until `more` says no, and throws with the tar when an invariant does not hold. */
export async function fuzzUnpack(seed: number, more: (round: number) => boolean): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), 'fsb-fuzz-'));
  try {
    await mkdir(join(directory, 'outside'));
    await writeFile(join(directory, 'outside/secret'), 'untouched');
    const corpus = unpackCorpus(join(directory, 'outside'));
    const random = randomNumbers(seed);
    const before = await stateOf(join(directory, 'outside'));
    // The first runs open what stays open, like the event loop's own files, and the pipes to fsb-launch.
    for (const tar of corpus) await unpackOnce(directory, tar);
    const descriptors = (await readdir('/proc/self/fd')).length;
    let round = 0;
    for (; more(round); round++) {
      const tar = mutatedTar(corpus, random);
      const problem =
        (await unpackOnce(directory, tar)) ??
        (await outsideProblem(directory, before)) ??
        ((await readdir('/proc/self/fd')).length > descriptors ? 'a descriptor is left open' : undefined);
      if (problem !== undefined)
        throw new Error(`${problem} (seed ${seed}, round ${round}): ${tar.toString('base64')}`);
    }
    return round;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function outsideProblem(directory: string, before: unknown): Promise<string | undefined> {
  const after = await stateOf(join(directory, 'outside'));
  if (JSON.stringify(after) !== JSON.stringify(before)) return 'something outside was changed';
  const names = (await readdir(directory)).filter((name) => name !== 'layer');
  return names.length === 1 ? undefined : 'something outside was made';
}

async function unpackOnce(directory: string, tar: Buffer): Promise<string | undefined> {
  const root = join(directory, 'layer');
  await rm(root, { recursive: true, force: true });
  await mkdir(root);
  try {
    await unpackLayer(Readable.from([tar.subarray(0, 700), tar.subarray(700)]), root, {
      launch,
      budget: UnpackBudget.of(LIMITS),
      devices: true,
    });
    return undefined;
  } catch (error) {
    if (error instanceof FsbError && EXPECTED.includes(error.code)) return undefined;
    return `it throws ${error instanceof Error ? error.stack : error}`;
  }
}
