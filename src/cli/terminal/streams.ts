import { isUtf8 } from 'node:buffer';
import { abortable, eachAbortable } from '../../core/model/async/abortable.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { TerminalOutput } from './world.ts';

/** Whoever read our output has gone (`logs | head`). It ends the command without a word. */
export class OutputClosed extends Error {
  /** What a shell reports for a program that died of SIGPIPE. */
  static readonly exitCode = 141;

  constructor() {
    super('the reader of the output has gone');
    this.name = 'OutputClosed';
  }
}

// A terminal that was closed answers EIO, a pipe EPIPE, a destroyed stream the third.
const GONE = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END']);

/**
 * Resolves when the bytes have left this process, so a slow reader slows us down.
 * @param signal whoever aborts it does not wait for the reader; what is written after that is waited for as ever
 * @throws OutputClosed when nobody reads any more; FsbError for a full disk and the like; the signal's reason
 */
export async function write(
  stream: TerminalOutput,
  data: string | Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const waited = signal?.aborted ? undefined : signal;
  const written = new Promise<void>((resolve, reject) => {
    stream.write(data as string, (error?: Error | null) => (error ? reject(outputError(error)) : resolve()));
  });
  await abortable(written, waited);
}

function outputError(error: NodeJS.ErrnoException): Error {
  if (GONE.has(error.code ?? '')) return new OutputClosed();
  // Node has the code in front of the reason, and the call behind it.
  const why = error.message.replace(/^E[A-Z]+: (.*), \w+$/, '$1');
  return new FsbError('internal', `cannot write the output: ${why}`, {
    hint: 'Check the file or the disk that it is written to.',
    cause: error,
  });
}

/** For warnings and hints: nobody may be there to read them, and that must not break the command. */
export async function tryWrite(stream: TerminalOutput, text: string): Promise<void> {
  await write(stream, text).catch(() => undefined);
}

/** In the place where they would have been. */
export const tellDropped = (stderr: TerminalOutput, bytes: number): Promise<void> =>
  tryWrite(stderr, `[${bytes} bytes of output were dropped here]\n`);

export interface ReadOptions {
  /** Bytes. */
  limit: number;
  /** For messages: `the password`. */
  what: string;
  /** For a stream that nobody may ever end. */
  signal: AbortSignal;
}

/**
 * All of a stream as text.
 * @throws invalid_argument above `limit` bytes, and for what is no UTF-8; the signal's reason
 */
export async function readText(stream: NodeJS.ReadableStream, options: ReadOptions): Promise<string> {
  const bytes = await readBytes(stream, options);
  // To decode it all the same would give the sandbox other bytes than were written, without a word.
  if (isUtf8(bytes)) return bytes.toString('utf8');
  const lines = bytes.toString('latin1').split('\n');
  const bad = lines.findIndex((line) => !isUtf8(Buffer.from(line, 'latin1'))) + 1;
  throw new FsbError('invalid_argument', `line ${bad} of ${options.what} has bytes that are no UTF-8`, {
    hint: 'Write it in UTF-8: iconv turns other encodings into it.',
  });
}

/**
 * All of a stream.
 * @throws invalid_argument above `limit` bytes; the signal's reason
 */
export async function readBytes(
  stream: NodeJS.ReadableStream,
  { limit, what, signal }: ReadOptions,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of eachAbortable(stream, signal)) {
    const bytes = Buffer.from(chunk as string | Uint8Array as Uint8Array);
    size += bytes.length;
    if (size > limit) throw new FsbError('invalid_argument', `${what} is larger than ${limit} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
