import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeHurry,
  encodeKill,
  encodeStart,
  type LaunchResult,
  ResultDecoder,
} from '../../../src/core/runtime/oci/launcher/launch-frames.ts';

/** As guest/launch/request.c writes it. */
function encodeResult(id: number, bySignal: boolean, value: number, said: string): Buffer {
  const text = Buffer.from(said);
  const head = Buffer.alloc(13);
  head.writeUInt32LE(9 + text.length, 0);
  head.writeUInt32LE(id, 4);
  head[8] = bySignal ? 1 : 0;
  head.writeUInt32LE(value, 9);
  return Buffer.concat([head, text]);
}

describe('requests', () => {
  it('have the layout of guest/launch/request.h', () => {
    expect(encodeStart(7, ['run', 'ls'], false).toString('hex')).toBe(
      '0d000000' + '07000000' + '0100' + '72756e006c7300',
    );
    expect(encodeStart(7, ['end'], true).toString('hex')).toBe('0a000000' + '07000000' + '0101' + '656e6400');
    expect(encodeKill(0xffffffff).toString('hex')).toBe('05000000' + 'ffffffff' + '02');
    expect(encodeHurry(1).toString('hex')).toBe('05000000' + '01000000' + '03');
  });

  it('are refused when fsb-launch would not take them', () => {
    expect(() => encodeStart(1, ['run', 'a\0b'], false)).toThrow('zero byte');
    expect(() => encodeStart(1, ['run', 'x'.repeat(1024 * 1024)], false)).toThrow('too long');
  });
});

describe('ResultDecoder', () => {
  it('finds every result, wherever the chunks end', () => {
    const results = fc.array(
      fc.record({
        id: fc.nat(),
        bySignal: fc.boolean(),
        value: fc.integer({ min: 1, max: 15 }),
        said: fc.string(),
      }),
    );
    fc.assert(
      fc.property(results, fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (sent, sizes) => {
        const bytes = Buffer.concat(
          sent.map((one) => encodeResult(one.id, one.bySignal, one.value, one.said)),
        );
        const found: { id: number; result: LaunchResult }[] = [];
        const decoder = new ResultDecoder((id, result) => found.push({ id, result }));
        for (let at = 0; at < bytes.length; ) {
          const size = sizes.next().value!;
          decoder.feed(bytes.subarray(at, at + size));
          at += size;
        }
        expect(found.map(({ id, result }) => [id, result.stderr])).toEqual(
          sent.map(({ id, said }) => [id, said]),
        );
        expect(found.map(({ result }) => result.code)).toEqual(
          sent.map((one) => (one.bySignal ? null : one.value)),
        );
      }),
    );
  });

  it('names the signal', () => {
    const found: LaunchResult[] = [];
    new ResultDecoder((_, result) => found.push(result)).feed(encodeResult(1, true, 9, 'x'));
    expect(found).toEqual([{ code: null, signal: 'SIGKILL', stderr: 'x' }]);
  });

  it.each([0, 8, 9 + 64 * 1024 + 1, 0xffffffff])('refuses a length of %i', (length) => {
    const bytes = Buffer.alloc(20);
    bytes.writeUInt32LE(length, 0);
    expect(() => new ResultDecoder(() => {}).feed(bytes)).toThrow(RangeError);
  });
});
