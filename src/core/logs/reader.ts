import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { isShortage } from '../model/failure/disk-failure.ts';
import { throwIfAborted } from '../model/failure/errors.ts';
import { findStart } from './find-start.ts';
import type { StoredEntry, StoreQuery } from './log-store.ts';
import { endOf, type SandboxLog } from './sandbox-log.ts';
import type { Block, Segment } from './segment.ts';
import { Selection } from './selection.ts';

/** Milliseconds before a read is tried again for which there was too little of something. */
const SHORTAGE_PAUSES = [20, 50, 100, 200, 500];

interface ReaderParts {
  known: SandboxLog;
  query: StoreQuery;
  clock: Clock;
  log: Logger;
  /** Aborts with an FsbError when the store closes. */
  closed: AbortSignal;
  signal?: AbortSignal;
}

/** Reads from the files at the pace of whoever iterates, one block at a time; holds no descriptor in between. */
export async function* readLog(parts: ReaderParts): AsyncGenerator<StoredEntry> {
  const { known, query, clock } = parts;
  const { until = Number.POSITIVE_INFINITY } = query;
  const last = query.follow ? undefined : endOf(known);
  const start = await findStart(known, query);
  const selection = new Selection(query, start);
  // What is not in the files any more has no record behind it that would tell.
  const missing = (): StoredEntry | undefined => {
    const end = last ?? endOf(known);
    return end.time < until ? selection.take(end) : undefined;
  };
  let { segment, position } = start;
  if (query.position) yield positionOf(known, start.seq, clock);
  for (;;) {
    throwIfAborted(parts.signal);
    if (known.removed) return;
    const here = known.segments.find((candidate) => candidate.number >= segment);
    if (here !== undefined && here.number > segment) [segment, position] = [here.number, 0];
    if (here !== undefined && position < here.length) {
      const block = await readOrSkip(parts, here, position);
      for (const record of block.records) {
        if (record.time >= until) return;
        if (last !== undefined && record.seq > last.seq) {
          const lost = missing();
          if (lost !== undefined) yield lost;
          return;
        }
        const entry = selection.take(record);
        if (entry === undefined) continue;
        yield entry;
        throwIfAborted(parts.signal);
      }
      position = block.next;
      continue;
    }
    if (here !== undefined && here !== known.segments.at(-1)) {
      [segment, position] = [segment + 1, 0];
      continue;
    }
    const lost = missing();
    if (lost !== undefined) yield lost;
    else if (!query.follow || known.ended || known.deserted || clock.now() >= until) return;
    else await nextChange(parts);
  }
}

/** What rotation took away, or what is damaged, up to the next mark, is skipped; the gap shows in the sequence. */
async function readOrSkip(parts: ReaderParts, segment: Segment, position: number): Promise<Block> {
  const { known, log } = parts;
  const next = (from: number): number =>
    segment.marks.find((mark) => mark.position > from)?.position ?? segment.length;
  try {
    const block = await readPatiently(parts, segment, position);
    if (!block.corrupt) return block;
    log.warn({ sandbox: known.id, segment: segment.number, position: block.next }, 'a log is damaged');
    return { ...block, next: next(block.next) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      return { records: [], next: segment.length, corrupt: true };
    throw error;
  }
}

/** Those who come in a crowd take all descriptors for a moment: nobody's log breaks off for that. */
async function readPatiently(
  { known, clock }: ReaderParts,
  segment: Segment,
  position: number,
): Promise<Block> {
  const read = (): Promise<Block> => known.blocks.read(known, segment.number, position, segment.length);
  for (const pause of SHORTAGE_PAUSES) {
    try {
      return await read();
    } catch (error) {
      if (!isShortage(error)) throw error;
      await new Promise<void>((resolve) => clock.after(pause, resolve));
    }
  }
  return read();
}

/** Until the writer did something, or the moment that the query ends at. @throws when cancelled or closed */
async function nextChange({ known, query, clock, signal, closed }: ReaderParts): Promise<void> {
  throwIfAborted(closed);
  const undo: (() => void)[] = [];
  try {
    await new Promise<void>((resolve) => {
      undo.push(known.changed.onRing(resolve));
      if (query.until !== undefined) undo.push(clock.after(query.until - clock.now(), resolve));
      for (const abort of [signal, closed]) {
        if (abort === undefined) continue;
        const wake = (): void => resolve();
        abort.addEventListener('abort', wake, { once: true });
        undo.push(() => abort.removeEventListener('abort', wake));
      }
    });
  } finally {
    for (const step of undo) step();
  }
  throwIfAborted(signal);
  throwIfAborted(closed);
}

/** How much of it each stream is, nobody wants to know here. */
const positionOf = ({ id }: SandboxLog, seq: number, clock: Clock): StoredEntry => ({
  ...{ stream: 'stdout', time: clock.now(), seq, offset: 0, data: Buffer.alloc(0) },
  sandboxId: id,
});
