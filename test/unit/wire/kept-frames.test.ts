import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeptFrames } from '../../../src/core/wire/stream/kept-frames.ts';
import { heapInUse } from '../../helpers/heap-in-use.ts';

const frames = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.integer({ min: 100, max: 5000 }).map((length) => new Uint8Array(length).fill(length)),
);
const steps = fc.array(fc.oneof(frames, fc.nat(6)), { maxLength: 60 });

describe('frames that are kept', () => {
  it('are those that were not dropped, in order, also for a walk that had begun before', () => {
    fc.assert(
      fc.property(steps, fc.nat(60), (all, walked) => {
        let taken = 0;
        const kept = new KeptFrames((bytes) => {
          taken += bytes;
        });
        const model: Buffer[] = [];
        let walk: Iterator<Buffer> | undefined;
        let dropped = 0;
        let passed = 0;
        for (const [n, step] of all.entries()) {
          if (n === walked) [walk, passed] = [kept[Symbol.iterator](), dropped];
          if (typeof step !== 'number') {
            kept.push(Buffer.from(step));
            model.push(Buffer.from(step));
          } else {
            // As a link does: a walk is never behind what is dropped.
            for (; walk !== undefined && passed < Math.min(dropped + step, model.length); passed++)
              expect(Buffer.from(walk.next().value as Buffer)).toEqual(model[passed]);
            kept.drop(step);
            dropped = Math.min(dropped + step, model.length);
          }
          const left = model.slice(dropped);
          expect([...kept].map((frame) => Buffer.from(frame))).toEqual(left);
          expect([kept.length, kept.bytes]).toEqual([left.length, Buffer.concat(left).length]);
          expect(taken > 0).toBe(left.length > 0);
        }
        for (; walk !== undefined && passed < model.length; passed++)
          expect(Buffer.from(walk.next().value as Buffer)).toEqual(model[passed]);
        expect(walk?.next().done ?? true).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('do not keep the piece in which they came', () => {
    const before = heapInUse();
    const kept = new KeptFrames();
    for (let n = 0; n < 500; n++) kept.push(Buffer.alloc(65_536).subarray(0, 1100));
    expect(heapInUse() - before).toBeLessThan(2 * 500 * 1100);
    expect(kept.length).toBe(500);
  });

  it('take less than twice their bytes, however small they are', () => {
    let taken = 0;
    const kept = new KeptFrames((bytes) => {
      taken += bytes;
    });
    for (let n = 0; n < 100_000; n++) kept.push(Buffer.from('ab'));
    expect(taken).toBeLessThan(2 * kept.bytes);
    kept.drop(100_000);
    expect(taken).toBe(0);
  });
});
