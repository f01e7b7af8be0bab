import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MarkSplitter } from '../../../src/core/tools/notebook/mark-splitter.ts';

const MARK = Buffer.from('aabaab:');
/** Letters of the mark, so that beginnings of it come up often. */
const text = fc.string({ unit: fc.constantFrom('a', 'b', ':', 'x'), maxLength: 40 });
const cuts = fc.array(fc.nat(90), { maxLength: 12 });

function cut(bytes: Buffer, places: number[]): Buffer[] {
  const sorted = [0, ...places.filter((at) => at < bytes.length).sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index]!, end));
}

function split(parts: Buffer[]): { before: string; after: string; found: boolean } {
  const before: Buffer[] = [];
  const splitter = new MarkSplitter(MARK, (data) => before.push(Buffer.from(data)));
  const after = parts.map((part) => Buffer.from(splitter.push(part)));
  splitter.end();
  return {
    before: Buffer.concat(before).toString(),
    after: Buffer.concat(after).toString(),
    found: splitter.found,
  };
}

it('divides at the first mark, however the bytes are cut', () => {
  fc.assert(
    fc.property(text, text, cuts, (before, after, places) => {
      const whole = `${before}${MARK}${after}`;
      const at = whole.indexOf(MARK.toString());
      expect(split(cut(Buffer.from(whole), places))).toEqual({
        before: whole.slice(0, at),
        after: whole.slice(at + MARK.length),
        found: true,
      });
    }),
  );
});

it('gives everything as before the mark when none comes', () => {
  fc.assert(
    fc.property(text, cuts, (whole, places) => {
      fc.pre(!whole.includes(MARK.toString()));
      expect(split(cut(Buffer.from(whole), places))).toEqual({ before: whole, after: '', found: false });
    }),
  );
});
