import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { decompressed } from '../../src/core/image/bytes/decompress.ts';
import { FsbError } from '../../src/core/model/failure/errors.ts';
import { randomNumbers } from './unpack.ts';

/** Bytes of plain text that are read at most: a few changed bytes can make a bomb. */
const MOST = 8 * 1024 ** 2;

const zstd = (text: Buffer): Buffer => execFileSync('zstd', ['--stdout', '--quiet'], { input: text });

/** Streams of one and of several parts, and with frames to be skipped. */
function corpus(): Buffer[] {
  const texts = [Buffer.from(''), Buffer.from('text '.repeat(500)), Buffer.alloc(300_000, 'ab\0')];
  const skippable = Buffer.from('502a4d180400000074657874', 'hex');
  return texts.flatMap((text) => {
    const [one, other] = [gzipSync(text), zstd(text)];
    return [one, other, Buffer.concat([one, one]), Buffer.concat([skippable, other, skippable, other])];
  });
}

function mutated(bytes: Buffer, random: (below: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  for (let changes = random(4); changes > 0; changes--) copy[random(copy.length)] = random(256);
  return random(3) === 0 ? copy.subarray(0, random(copy.length + 1)) : copy;
}

/** Decompresses changed streams until `more` says no, and throws with the stream when one fails in an unforeseen way. */
export async function fuzzDecompress(seed: number, more: (round: number) => boolean): Promise<number> {
  const seeds = corpus();
  const random = randomNumbers(seed);
  // The first runs open what stays open, like the event loop's own files.
  for (const one of seeds) await readAll(one, one.length);
  const descriptors = (await readdir('/proc/self/fd')).length;
  let round = 0;
  for (; more(round); round++) {
    const stream = mutated(seeds[random(seeds.length)]!, random);
    const problem =
      (await readAll(stream, random(stream.length + 1))) ??
      ((await readdir('/proc/self/fd')).length > descriptors ? 'a descriptor is left open' : undefined);
    if (problem !== undefined)
      throw new Error(`${problem} (seed ${seed}, round ${round}): ${stream.toString('base64')}`);
  }
  return round;
}

/** @param cut where the first piece ends */
async function readAll(stream: Buffer, cut: number): Promise<string | undefined> {
  let read = 0;
  try {
    for await (const piece of decompressed(
      Readable.from([stream.subarray(0, cut), stream.subarray(cut)]),
      'it',
    )) {
      read += piece.length;
      if (read > MOST) return undefined;
    }
    return undefined;
  } catch (error) {
    if (error instanceof FsbError && error.code === 'invalid_argument') return undefined;
    return `it throws ${error instanceof Error ? error.stack : error}`;
  }
}
