import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeCoreFrame, encodeCoreFrame } from '../../../src/core/guest/protocol/core-frames.ts';
import { FrameDecoder } from '../../../src/core/guest/protocol/frame-decoder.ts';
import {
  type CoreFrame,
  type GuestFrame,
  LONGEST_FROM_CORE,
  LONGEST_FROM_GUEST,
} from '../../../src/core/guest/protocol/frames.ts';
import { decodeGuestFrame, encodeGuestFrame } from '../../../src/core/guest/protocol/guest-frames.ts';

interface Vector {
  name: string;
  from: 'core' | 'guest';
  hex: string;
  tail?: { byte: string; count: number };
  frame?: Record<string, unknown>;
  code?: number;
}

const file = new URL('../../../guest/vectors.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as { valid: Vector[]; invalid: Vector[] };

const tailOf = ({ tail }: Vector): Buffer =>
  Buffer.alloc(tail?.count ?? 0, Number.parseInt(tail?.byte ?? '0', 16));
const bytesOf = (vector: Vector): Buffer => Buffer.concat([Buffer.from(vector.hex, 'hex'), tailOf(vector)]);

function decode(vector: Vector): (CoreFrame | GuestFrame)[] {
  const [longest, decodeFrame] =
    vector.from === 'core' ? [LONGEST_FROM_CORE, decodeCoreFrame] : [LONGEST_FROM_GUEST, decodeGuestFrame];
  const frames: (CoreFrame | GuestFrame)[] = [];
  new FrameDecoder(longest, (...parts) => frames.push(decodeFrame(...parts))).feed(bytesOf(vector));
  return frames;
}

const asVector = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;

/** The frame in the words of the vectors: bytes in hex, 64-bit numbers as texts. */
function describeFrame(frame: CoreFrame | GuestFrame): unknown {
  const hex = Object.entries(frame).map(([key, value]) => [
    key,
    Buffer.isBuffer(value) ? value.toString('hex') : value,
  ]);
  return JSON.parse(JSON.stringify(Object.fromEntries(hex), asVector));
}

describe('shared vectors', () => {
  it.each(vectors.valid)('$from: $name', (vector) => {
    const [frame, ...more] = decode(vector);
    expect(more).toHaveLength(0);
    const expected = { ...vector.frame };
    if (vector.tail) expected.data = `${expected.data}${tailOf(vector).toString('hex')}`;
    expect(describeFrame(frame!)).toEqual(expected);
    const encoded =
      vector.from === 'core' ? encodeCoreFrame(frame as CoreFrame) : encodeGuestFrame(frame as GuestFrame);
    expect(encoded.equals(bytesOf(vector))).toBe(true);
  });

  it.each(vectors.invalid)('refused, $from: $name', (vector) => {
    expect(() => decode(vector)).toThrow(expect.objectContaining({ protocolCode: vector.code }));
  });
});
