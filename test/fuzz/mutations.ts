import fc from 'fast-check';

interface Change {
  at: number;
  make: (bytes: Buffer, at: number) => Buffer;
}

const splice = (bytes: Buffer, at: number, length: number, put: Uint8Array = Buffer.alloc(0)): Buffer =>
  Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + length)]);

const noise = fc.uint8Array({ minLength: 1, maxLength: 8 });
const length = fc.nat(40);

/** What happens to bytes on a bad disk, on a bad wire, and in the hands of somebody who means it. */
const makers: fc.Arbitrary<Change['make']> = fc.oneof(
  fc.nat(7).map((bit) => (bytes: Buffer, at: number) => flip(bytes, at, bit)),
  noise.map((put) => (bytes: Buffer, at: number) => splice(bytes, at, put.length, put)),
  noise.map((put) => (bytes: Buffer, at: number) => splice(bytes, at, 0, put)),
  length.map((cut) => (bytes: Buffer, at: number) => splice(bytes, at, cut)),
  length.map((again) => (bytes: Buffer, at: number) => splice(bytes, at, 0, bytes.subarray(at, at + again))),
  fc.constant((bytes: Buffer, at: number) => bytes.subarray(0, at)),
  fc.constant((bytes: Buffer, at: number) => bytes.subarray(at)),
);

function flip(bytes: Buffer, at: number, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  if (at < copy.length) copy[at]! ^= 1 << bit;
  return copy;
}

const change: fc.Arbitrary<Change> = fc.record({ at: fc.nat(), make: makers });

/** One of the seeds with up to `most` changes, which may cut, double and exchange parts of it; or noise alone. */
export function mutated(seeds: readonly Buffer[], most = 5): fc.Arbitrary<Buffer> {
  const near = fc
    .tuple(fc.constantFrom(...seeds), fc.array(change, { maxLength: most }))
    .map(([seed, changes]) =>
      changes.reduce((bytes, { at, make }) => make(bytes, at % (bytes.length + 1)), seed),
    );
  const nothingLikeIt = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  return fc.oneof({ arbitrary: near, weight: 9 }, { arbitrary: nothingLikeIt, weight: 1 });
}
