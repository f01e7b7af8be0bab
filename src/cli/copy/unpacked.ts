import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FsbError } from '../../core/model/failure/errors.ts';

const GZIP = Buffer.of(0x1f, 0x8b);

/** The bytes as they are, or what they hold when gzip has packed them. @throws invalid_argument for damaged ones */
export async function* unpacked(content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const iterator = content[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    head = Buffer.concat([head, next.value]);
    if (head.length >= GZIP.length) break;
  }
  const whole = rejoined(head, iterator);
  if (!head.subarray(0, 2).equals(GZIP)) return yield* whole;
  yield* gunzipped(Readable.from(whole));
}

async function* gunzipped(packed: Readable): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  packed.on('error', (error) => gunzip.destroy(error));
  try {
    yield* packed.pipe(gunzip);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('Z_') !== true) throw error;
    throw new FsbError('invalid_argument', 'the tar on standard input is damaged gzip', { cause: error });
  } finally {
    packed.destroy();
  }
}

async function* rejoined(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* { [Symbol.asyncIterator]: () => rest };
}
