import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { FsbError } from '../../model/failure/errors.ts';
import { hasStreams, notStarted } from '../../model/failure/has-streams.ts';

export const ZSTD = '/usr/bin/zstd';
const MAGIC_LENGTH = 4;
/** Of plain bytes: each piece is a turn through Node's thread pool, and 16 KiB, as it has it, are thousands of turns. */
const PLAIN_PIECE = 512 * 1024;

export type Compression = 'gzip' | 'zstd' | 'none';

/** By the first bytes, which never lie, unlike names and media types. */
export function compressionOf(start: Uint8Array): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  if (start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd) return 'zstd';
  // A frame that is to be skipped: what comes behind it counts, and who else has such frames (lz4) packs no images.
  if ((start[0]! & 0xf0) === 0x50 && start[1] === 0x2a && start[2] === 0x4d && start[3] === 0x18)
    return 'zstd';
  return 'none';
}

/**
 * The plain bytes of something that may be compressed.
 * @param what how to call it in an error
 * @throws invalid_argument (broken), unsupported (zstd without the program); on reading
 */
export async function* decompressed(source: AsyncIterable<Buffer>, what: string): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    const start = await readStart(iterator);
    const whole = Readable.from(startThenRest(start, iterator), { objectMode: false });
    const compression = compressionOf(start);
    if (compression === 'zstd') yield* throughZstd(whole, what);
    else if (compression === 'gzip') yield* gunzipped(whole, what);
    else yield* whole;
  } finally {
    await iterator.return?.();
  }
}

async function readStart(iterator: AsyncIterator<Buffer>): Promise<Buffer> {
  let start = Buffer.alloc(0);
  while (start.length < MAGIC_LENGTH) {
    const next = await iterator.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value]);
  }
  return start;
}

async function* startThenRest(start: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (start.length > 0) yield start;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
}

async function* gunzipped(source: Readable, what: string): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: PLAIN_PIECE });
  const feeding = settled(pipeline(source, gunzip));
  try {
    yield* gunzip as AsyncIterable<Buffer>;
  } catch (error) {
    throw readError(error, what, 'gzip');
  } finally {
    gunzip.destroy();
    await feeding;
  }
}

/** Node 20 has no zstd. */
async function* throughZstd(source: Readable, what: string): AsyncGenerator<Buffer> {
  if (!existsSync(ZSTD)) {
    source.destroy();
    throw new FsbError('unsupported', `${what} is compressed with zstd, and ${ZSTD} is not here`, {
      hint: 'Install it: apt-get install zstd',
    });
  }
  const child = spawn(ZSTD, ['--decompress', '--stdout', '--quiet'], { stdio: 'pipe', env: { LC_ALL: 'C' } });
  const exited = once(child, 'close') as Promise<[number | null]>;
  exited.catch(() => undefined);
  if (!hasStreams(child)) {
    source.destroy();
    await notStarted(exited, ZSTD);
  }
  const complaint = text(child.stderr);
  const feeding = settled(pipeline(source, child.stdin));
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    const [code] = await exited;
    const failure = await feeding;
    if (failure instanceof FsbError) throw failure;
    if (code !== 0) throw readError(new Error((await complaint).trim()), what, 'zstd');
  } finally {
    child.kill('SIGKILL');
    source.destroy();
    await settled(exited);
    await feeding;
  }
}

function readError(error: unknown, what: string, format: string): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (error instanceof FsbError || (error instanceof Error && error.name === 'AbortError')) return error;
  if (format === 'gzip' && !String(code).startsWith('Z_')) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new FsbError('invalid_argument', `${what} is not valid ${format}: ${why}`, { cause: error });
}

async function settled(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error;
  }
}
