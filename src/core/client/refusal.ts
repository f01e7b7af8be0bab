import { type ErrorCode, errorCodes, FsbError } from '../model/failure/errors.ts';
import { asErrorBody } from '../wire/error-status.ts';

const LONGEST_BODY = 64 * 1024;

/** The error inside an HTTP answer that came instead of a stream or of a result. Never rejects. */
export async function refusalOf(body: AsyncIterable<Buffer>, status: number): Promise<FsbError> {
  const text = await textOf(body);
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    const body = asErrorBody(error);
    if (body !== undefined) return FsbError.fromBody(body);
  } catch {
    // Not ours: told by its number below.
  }
  const found = Object.entries(errorCodes).find(([, mapping]) => mapping.http === status);
  const code = found === undefined ? 'internal' : (found[0] as ErrorCode);
  return new FsbError(code, `the core refused with HTTP status ${status}`);
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of body) {
      pieces.push(piece);
      length += piece.length;
      if (length > LONGEST_BODY) break;
    }
  } catch {
    // What came is all there is.
  }
  return Buffer.concat(pieces).toString('utf8');
}
