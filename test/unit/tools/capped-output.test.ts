import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CappedOutput } from '../../../src/core/tools/run/capped-output.ts';

const chunks = fc.array(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)));

function fill(limit: number, parts: Buffer[]): CappedOutput {
  const output = new CappedOutput(limit);
  for (const part of parts) output.push(part);
  return output;
}

describe('capped output', () => {
  it('keeps the beginning, and counts the rest', () => {
    fc.assert(
      fc.property(fc.nat(100), chunks, (limit, parts) => {
        const all = Buffer.concat(parts);
        const output = fill(limit, parts);
        expect(output.toBuffer()).toEqual(all.subarray(0, limit));
        expect(output.bytes).toBe(all.length);
        expect(output.truncated).toBe(all.length > limit);
      }),
    );
  });

  it('does not depend on how the bytes were cut into chunks', () => {
    fc.assert(
      fc.property(fc.nat(100), chunks, (limit, parts) => {
        expect(fill(limit, parts).toText()).toBe(fill(limit, [Buffer.concat(parts)]).toText());
      }),
    );
  });

  it('never shows half a character where the limit cut one in two', () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 }).map((raw) => Buffer.from(raw).toString());
    fc.assert(
      fc.property(text, fc.nat(200), (whole, limit) => {
        const shown = fill(limit, [Buffer.from(whole)]).toText();
        expect(whole.startsWith(shown)).toBe(true);
        // At most the three bytes of an unfinished character are missing.
        const kept = Math.min(limit, Buffer.byteLength(whole));
        expect(kept - Buffer.byteLength(shown)).toBeLessThanOrEqual(3);
      }),
    );
  });

  it.each([
    ['broken bytes in the middle', [0x61, 0xff, 0x62], 10, 'a\ufffdb'],
    ['a character that the program itself broke off', [0x61, 0xe2, 0x82], 10, 'a\ufffd'],
    ['a character cut by the limit', [0x61, 0xe2, 0x82, 0xac], 3, 'a'],
    ['a character that just fits', [0x61, 0xe2, 0x82, 0xac, 0x62], 4, 'a\u20ac'],
    ['stray continuation bytes at the limit', [0x80, 0x80, 0x80, 0x80, 0x80], 4, '\ufffd\ufffd\ufffd\ufffd'],
  ])('shows %s', (_, bytes, limit, shown) => {
    expect(fill(limit, [Buffer.from(bytes)]).toText()).toBe(shown);
  });
});
