import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { decodeCoreFrame, encodeCoreFrame } from '../../src/core/guest/protocol/core-frames.ts';
import { FrameDecoder } from '../../src/core/guest/protocol/frame-decoder.ts';
import {
  type CoreFrame,
  type GuestFrame,
  LONGEST_FROM_CORE,
  LONGEST_FROM_GUEST,
} from '../../src/core/guest/protocol/frames.ts';
import { decodeGuestFrame, encodeGuestFrame } from '../../src/core/guest/protocol/guest-frames.ts';
import { ProtocolError } from '../../src/core/guest/protocol/protocol-error.ts';
import { guestSources } from '../helpers/guest/guest-programs.ts';
import { corpusFiles } from './corpus-files.ts';
import { mutated } from './mutations.ts';

interface Vectors {
  valid: { hex: string; from: string }[];
  invalid: { hex: string; from: string }[];
}

/** Whole frames of the vectors that both sides are held to, good and bad; and what libFuzzer found to be worth keeping. */
export function frameSeeds(from: 'core' | 'guest'): Buffer[] {
  const vectors = JSON.parse(readFileSync(join(guestSources, 'vectors.json'), 'utf8')) as Vectors;
  const frames: Buffer[] = [...vectors.valid, ...vectors.invalid]
    .filter((vector) => vector.from === from)
    .map(({ hex }) => Buffer.from(hex, 'hex'));
  return [...frames, ...corpusFiles('frame')].filter(({ length }) => length < 2_000);
}

interface Side {
  longest: number;
  decode: (type: number, process: number, payload: Buffer) => GuestFrame | CoreFrame;
  encode: (frame: never) => Buffer;
}

const sides: Record<'core' | 'guest', Side> = {
  core: { longest: LONGEST_FROM_CORE, decode: decodeCoreFrame, encode: encodeCoreFrame },
  guest: { longest: LONGEST_FROM_GUEST, decode: decodeGuestFrame, encode: encodeGuestFrame },
};

/** Every frame up to the first error, and how it ended. */
function read({ longest, decode }: Side, chunks: Buffer[]): { frames: unknown[]; error?: string } {
  const frames: unknown[] = [];
  const decoder = new FrameDecoder(longest, (...parts) => frames.push(structuredClone(decode(...parts))));
  try {
    for (const chunk of chunks) decoder.feed(chunk);
    return { frames };
  } catch (error) {
    if (error instanceof ProtocolError) return { frames, error: error.message };
    throw error;
  }
}

/** A length that the bytes behind it keep: what is behind the header is reached more often. */
function withLength(bytes: Buffer): Buffer {
  if (bytes.length < 9) return bytes;
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(copy.length - 4);
  return copy;
}

/**
 * Frames in any state, in any order, in any pieces: each is read or refused with a ProtocolError, in the same way
 * however the bytes are cut, and what is read is what is written again.
 */
export const guestFramesProperty = () =>
  fc.property(
    fc.constantFrom('core' as const, 'guest' as const).chain((from) => {
      const frame = mutated(frameSeeds(from));
      const some = fc.oneof({ arbitrary: frame.map(withLength), weight: 3 }, frame);
      return fc.record({ from: fc.constant(from), parts: fc.array(some, { minLength: 1, maxLength: 4 }) });
    }),
    fc.array(fc.nat(), { maxLength: 8 }),
    ({ from, parts }, cuts) => {
      const bytes = Buffer.concat(parts);
      const places = cuts.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
      const chunks = [0, ...places].map((start, i) => bytes.subarray(start, places[i] ?? bytes.length));
      const whole = read(sides[from], [bytes]);
      if (!isDeepStrictEqual(read(sides[from], chunks), whole))
        throw new Error('another cut, another result');
      const again = Buffer.concat(whole.frames.map((frame) => sides[from].encode(revived(frame) as never)));
      if (!isDeepStrictEqual(read(sides[from], [again]).frames, whole.frames))
        throw new Error('no round trip');
    },
  );

/** structuredClone() makes plain arrays of bytes of a Buffer. */
const revived = (frame: unknown): unknown =>
  Object.fromEntries(
    Object.entries(frame as object).map(([key, value]) => [
      key,
      value instanceof Uint8Array ? Buffer.from(value) : value,
    ]),
  );
