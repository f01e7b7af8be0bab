import { watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { abortable } from '../../../core/model/async/abortable.ts';
import { FsbError } from '../../../core/model/failure/errors.ts';
import { notPermitted } from '../../../core/root/private-directory.ts';

const CHUNK = 64 * 1024;

export interface LogFileQuery {
  /** The last so many lines; undefined: all. */
  tail?: number | undefined;
  /** Goes on with what is written later, until the signal. */
  follow: boolean;
  signal: AbortSignal;
}

/**
 * The bytes of a log that a core writes.
 * @throws not_found when there is none; denied; the signal's reason
 */
export async function* readLogFile(path: string, query: LogFileQuery): AsyncGenerator<Buffer> {
  const file = await open(path).catch((error: unknown) => {
    const hint = 'No core has run here yet. Start one with: fsb-ctl daemon start';
    throw (
      notPermitted(`cannot read ${path}`, error) ??
      new FsbError('not_found', `there is no log ${path}`, { hint, cause: error })
    );
  });
  // From now on, so that nothing is missed between the last byte and the waiting.
  const changes = query.follow ? changesOf(path) : undefined;
  try {
    let at = query.tail === undefined ? 0 : await startOfTail(file, query.tail);
    for (;;) {
      for await (const bytes of from(file, at)) {
        at += bytes.length;
        yield bytes;
      }
      if (changes === undefined) return;
      if ((await file.stat()).size < at) at = 0;
      else await abortable(changes.next(), query.signal);
    }
  } finally {
    changes?.close();
    await file.close();
  }
}

async function* from(file: FileHandle, start: number): AsyncGenerator<Buffer> {
  for (let at = start; ; ) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Where the last lines begin, looked for from the end. */
async function startOfTail(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat();
  // The newline at the end ends the last line and begins none.
  let left = lines + 1;
  for (let end = size; end > 0; end -= CHUNK) {
    const start = Math.max(0, end - CHUNK);
    const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
    for (let i = buffer.length - 1; i >= 0; i--) if (buffer[i] === 0x0a && --left === 0) return start + i + 1;
  }
  return lines === 0 ? size : 0;
}

/** Remembers a change that came while nobody waited. */
function changesOf(path: string): { next(): Promise<void>; close(): void } {
  let changed = false;
  let wake = (): void => {};
  const watcher = watch(path).on('change', () => {
    changed = true;
    wake();
  });
  return {
    async next() {
      if (!changed)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      changed = false;
    },
    close: () => watcher.close(),
  };
}
