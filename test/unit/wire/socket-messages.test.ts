import { Duplex, type Writable } from 'node:stream';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as library from 'ws';
import { kinds, MessageReader, messageHead } from '../../../src/core/wire/stream/socket-messages.ts';

/** The two halves of the library's WebSocket, which its types do not have. */
const { Receiver, Sender } = library as unknown as {
  Receiver: new (options: object) => Writable;
  Sender: new (socket: Duplex) => { send(data: Buffer, options: object, done: () => void): void };
};

const LONGEST = 200_000;
/** Around the two lengths from which on a head is longer. */
const payloads = fc
  .oneof(fc.nat(200), fc.integer({ min: 65_530, max: 65_540 }), fc.constant(LONGEST))
  .map((length) => Buffer.alloc(length, 'payload '));
const messages = fc.array(payloads, { minLength: 1, maxLength: 5 });

/** What the library writes for a core. */
function asOfCore(sent: Buffer[]): Buffer {
  const written: Buffer[] = [];
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _, done) {
      written.push(chunk);
      done();
    },
  });
  const sender = new Sender(wire);
  for (const payload of sent)
    sender.send(payload, { binary: true, fin: true, mask: false, compress: false }, () => {});
  return Buffer.concat(written);
}

function cutAt(bytes: Buffer, cuts: number[]): Buffer[] {
  const places = [0, ...cuts.filter((at) => at < bytes.length).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, before) => bytes.subarray(places[before], end));
}

it('what the library writes is read, wherever it is cut', () => {
  fc.assert(
    fc.property(messages, fc.array(fc.nat(210_000), { maxLength: 10 }), (sent, cuts) => {
      const reader = new MessageReader(LONGEST);
      const read = cutAt(asOfCore(sent), cuts).flatMap((piece) => [...reader.read(piece)]);
      expect(read.map(({ kind }) => kind)).toEqual(sent.map(() => kinds.binary));
      expect(read.every(({ payload }, at) => payload.equals(sent[at]!))).toBe(true);
    }),
    { numRuns: 100 },
  );
});

it('one that comes byte by byte is read', () => {
  const reader = new MessageReader(LONGEST);
  const sent = [Buffer.alloc(0), Buffer.from('one'), Buffer.alloc(126, 'x')];
  const read = [...asOfCore(sent)].flatMap((byte) => [...reader.read(Buffer.of(byte))]);
  expect(read.map(({ payload }) => payload.toString())).toEqual(sent.map(String));
});

it('the library reads what stands behind our heads', () => {
  fc.assert(
    fc.property(messages, (sent) => {
      const receiver = new Receiver({ isServer: true, maxPayload: LONGEST, allowSynchronousEvents: true });
      const read: Buffer[] = [];
      receiver.on('message', (payload: Buffer) => read.push(payload));
      for (const payload of sent)
        receiver.write(Buffer.concat([messageHead(kinds.binary, payload.length), payload]));
      expect(read.length).toBe(sent.length);
      expect(read.every((payload, at) => payload.equals(sent[at]!))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

it.each([
  ['in parts', [0x02, 1, 0], 'in parts'],
  ['with an extension', [0xc2, 1, 0], 'extension'],
  ['with a mask', [0x82, 0x81, 0, 0, 0, 0, 0], 'a mask'],
  ['that is too long', [0x82, 127, 0, 0, 0, 0, 0, 3, 13, 65], `a message of ${LONGEST + 1} bytes`],
  ['that is longer than numbers are exact', [0x82, 127, ...Array(8).fill(255)], 'a message of'],
])('a message %s is refused as soon as it can be seen', (_, bytes, words) => {
  const reader = new MessageReader(LONGEST);
  expect(() => [...reader.read(Buffer.from(bytes))]).toThrow(words);
});
