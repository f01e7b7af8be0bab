import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCoreFrame, encodeCoreFrame } from '../../../src/core/guest/protocol/core-frames.ts';
import { FrameDecoder } from '../../../src/core/guest/protocol/frame-decoder.ts';
import { LONGEST_FROM_CORE, LONGEST_FROM_GUEST } from '../../../src/core/guest/protocol/frames.ts';
import { decodeGuestFrame, encodeGuestFrame } from '../../../src/core/guest/protocol/guest-frames.ts';
import { ProtocolError } from '../../../src/core/guest/protocol/protocol-error.ts';
import { coreFrame, guestFrame } from '../../helpers/guest/frame-arbitraries.ts';

type Decode<T> = (type: number, process: number, payload: Buffer) => T;

function decodeAll<T>(longest: number, decode: Decode<T>, chunks: Buffer[]): T[] {
  const frames: T[] = [];
  const decoder = new FrameDecoder(longest, (...parts) => frames.push(decode(...parts)));
  for (const chunk of chunks) decoder.feed(chunk);
  return frames;
}

/** The same bytes, cut at these places (taken modulo the length); empty pieces included. */
function cut(bytes: Buffer, places: number[]): Buffer[] {
  const sorted = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...sorted].map((start, i) => bytes.subarray(start, sorted[i] ?? bytes.length));
}

const places = fc.array(fc.nat(), { maxLength: 40 });

/** Frames with one to three bytes changed, removed or added: nearer to the truth than pure noise. */
const damaged = fc
  .tuple(
    fc.array(guestFrame, { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
  )
  .map(([frames, changes]) => {
    const bytes = Buffer.concat(frames.map(encodeGuestFrame));
    for (const [place, value] of changes) bytes[place % bytes.length] = value;
    return bytes;
  });

describe('the codec', () => {
  it('gives back every frame of the core, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(coreFrame, { maxLength: 5 }), places, (frames, at) => {
        const chunks = cut(Buffer.concat(frames.map(encodeCoreFrame)), at);
        expect(decodeAll(LONGEST_FROM_CORE, decodeCoreFrame, chunks)).toEqual(frames);
      }),
    );
  });

  it('gives back every frame of the guest, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(guestFrame, { maxLength: 5 }), places, (frames, at) => {
        const chunks = cut(Buffer.concat(frames.map(encodeGuestFrame)), at);
        expect(decodeAll(LONGEST_FROM_GUEST, decodeGuestFrame, chunks)).toEqual(frames);
      }),
    );
  });

  it('gives the same frames byte by byte', () => {
    fc.assert(
      fc.property(fc.array(guestFrame, { maxLength: 3 }), (frames) => {
        const bytes = Buffer.concat(frames.map(encodeGuestFrame));
        const chunks = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1));
        expect(decodeAll(LONGEST_FROM_GUEST, decodeGuestFrame, chunks)).toEqual(frames);
      }),
    );
  });

  it('meets noise with a ProtocolError or with patience, never with anything else', () => {
    const noise = fc.uint8Array({ maxLength: 400 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(fc.oneof(noise, damaged), places, (bytes, at) => {
        for (const decode of [decodeGuestFrame, decodeCoreFrame] as Decode<unknown>[])
          try {
            decodeAll(LONGEST_FROM_GUEST, decode, cut(bytes, at));
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not copy a frame that lies within one chunk', () => {
    const bytes = encodeGuestFrame({ type: 'STDOUT', process: 1, offset: 0, data: Buffer.from('hello') });
    const [frame] = decodeAll(LONGEST_FROM_GUEST, decodeGuestFrame, [bytes]);
    expect(frame?.type === 'STDOUT' && frame.data.buffer).toBe(bytes.buffer);
  });

  it('refuses a giant frame at its fourth byte', () => {
    const decoder = new FrameDecoder(LONGEST_FROM_GUEST, () => undefined);
    decoder.feed(Buffer.from([0xff, 0xff, 0xff]));
    expect(() => decoder.feed(Buffer.from([0x7f]))).toThrow(ProtocolError);
  });
});
