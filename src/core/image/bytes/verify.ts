import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { Digester } from './digester.ts';

export interface Expected {
  /** `sha256:...` */
  digest: string;
  /** Bytes, when it is known; more are never read. */
  size?: number;
}

/**
 * Passes bytes on and compares them, when all were read, with what they should be.
 * @param what how to call them in an error
 * @throws invalid_argument at the end of the stream
 */
export async function* verified(
  source: AsyncIterable<Buffer>,
  expected: Expected,
  what: string,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const read = new Digester();
  for await (const chunk of source) {
    throwIfAborted(signal);
    read.add(chunk);
    if (expected.size !== undefined && read.size > expected.size)
      throw new FsbError(
        'invalid_argument',
        `${what} is longer than the ${expected.size} bytes that it should have`,
      );
    yield chunk;
  }
  if (expected.size !== undefined && read.size < expected.size)
    throw new FsbError('invalid_argument', `${what} has ${read.size} bytes instead of ${expected.size}`);
  const digest = read.digest();
  if (digest !== expected.digest)
    throw new FsbError(
      'invalid_argument',
      `${what} is damaged: its digest is ${digest} instead of ${expected.digest}`,
    );
}
