import type { IncomingMessage } from 'node:http';
import { FsbError } from '../../model/errors.ts';
import { formatSize } from '../../model/quantity.ts';

/** Bytes of a JSON body: a file of 10 MiB in base64 fits. */
const LONGEST_JSON = 16 * 1024 * 1024;

/**
 * The JSON of a request; undefined when it has no body.
 * @throws invalid_argument: not declared as JSON, too long, cut off, not JSON
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const text = (await readBody(request, LONGEST_JSON)).toString('utf8');
  if (text.trim() === '') return undefined;
  // A web page can send a form or plain text to any address without asking first, but not JSON.
  assertContentType(request, ['application/json']);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FsbError('invalid_argument', `the body is not valid JSON: ${(error as Error).message}`);
  }
}

/** @throws invalid_argument */
export function assertContentType({ headers }: IncomingMessage, accepted: readonly string[]): void {
  const said = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (accepted.includes(said)) return;
  throw new FsbError('invalid_argument', `the content type ${JSON.stringify(said)} is not taken here`, {
    hint: `Send the header Content-Type: ${accepted[0]}.`,
  });
}

/** @throws invalid_argument when it is longer than `longest` bytes, or the client left in the middle */
async function readBody(request: IncomingMessage, longest: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > longest) throw tooLong(longest);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of bodyChunks(request)) {
    length += chunk.length;
    if (length > longest) throw tooLong(longest);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

/** The body as it comes. Whoever leaves early can still answer: the rest is read and dropped with the answer. */
export async function* bodyChunks(request: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    yield* request.iterator({ destroyOnReturn: false });
  } catch (error) {
    throw new FsbError('invalid_argument', 'the body ended before all of it had come', { cause: error });
  }
}

const tooLong = (longest: number): FsbError =>
  new FsbError('invalid_argument', `the body is longer than ${formatSize(longest)}`);
