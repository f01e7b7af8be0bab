import fc from 'fast-check';
import { FsbError } from '../../src/core/model/failure/errors.ts';
import { kinds, MessageReader, messageHead } from '../../src/core/wire/stream/socket-messages.ts';
import { mutated } from './mutations.ts';

const LONGEST = 70_000;

/** As a core writes them: without the mask, which is all zeros and stands last in the head. */
const message = (kind: number, length: number): Buffer => {
  const head = messageHead(kind, length).subarray(0, -4);
  head[1]! &= 0x7f;
  return Buffer.concat([head, Buffer.alloc(length, 'x')]);
};

const seeds = [
  Buffer.concat([message(kinds.binary, 3), message(kinds.ping, 0), message(kinds.close, 2)]),
  message(kinds.binary, 126),
  message(kinds.binary, 66_000),
];

/** Whatever a core might say is read alike in one piece and in two, and refused in words. */
export const socketMessagesProperty = () =>
  fc.property(mutated(seeds), fc.nat(), (bytes, cut) => {
    const at = cut % (bytes.length + 1);
    const [whole, halves] = [read([bytes]), read([bytes.subarray(0, at), bytes.subarray(at)])];
    if (whole !== halves) throw new Error(`${whole} in one piece, ${halves} in two`);
  });

function read(pieces: Buffer[]): string {
  const reader = new MessageReader(LONGEST);
  let found = '';
  try {
    for (const piece of pieces)
      for (const { kind, payload } of reader.read(piece)) found += `${kind}:${payload.length} `;
  } catch (error) {
    if (!(error instanceof FsbError) || error.code !== 'invalid_argument') throw error;
    found += error.message;
  }
  return found;
}
