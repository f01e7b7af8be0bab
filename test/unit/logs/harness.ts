import { readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { createLogStore, type LogStoreOptions } from '../../../src/core/logs/file-log-store.ts';
import type { LogStore, LogWriter, StoredEntry, StoreQuery } from '../../../src/core/logs/log-store.ts';
import { type Clock, systemClock } from '../../../src/core/model/clock.ts';
import { type LogEntry, wholeLog } from '../../../src/core/model/logs.ts';
import type { StreamName } from '../../../src/core/model/process.ts';

export const quiet = pino({ level: 'silent' });

/** A wall clock that only the test moves. */
export class SetClock implements Clock {
  time = 1_000;
  now(): number {
    return this.time;
  }
  monotonic(): number {
    return this.time;
  }
  after(ms: number, callback: () => void): () => void {
    return systemClock.after(ms, callback);
  }
}

export interface Place extends AsyncDisposable {
  directory: string;
  open(options?: Partial<LogStoreOptions>): Promise<LogStore>;
}

/** A directory for logs that goes away, with every store that was opened in it, at the end of the test. */
export async function makePlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'fsb-logs-'));
  const stores: LogStore[] = [];
  return {
    directory,
    async open(options = {}) {
      const store = await createLogStore({ directory, clock: systemClock, log: quiet, ...options });
      stores.push(store);
      return store;
    },
    async [Symbol.asyncDispose]() {
      for (const store of stores) await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export async function collect(
  store: LogStore,
  query: Partial<StoreQuery> = {},
  id = 'box',
): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  for await (const entry of store.read(id, { ...wholeLog, ...query })) entries.push(entry);
  return entries;
}

export const textOf = (entries: LogEntry[], stream?: StreamName): string =>
  Buffer.concat(
    entries.filter((entry) => stream === undefined || entry.stream === stream).map((entry) => entry.data),
  ).toString('latin1');

export const droppedOf = (entries: LogEntry[]): number =>
  entries.reduce((sum, entry) => sum + (entry.dropped ?? 0), 0);

/** Open descriptors of this process that lead below a directory. */
export function descriptorsBelow(directory: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory);
    } catch {
      return false;
    }
  }).length;
}

export const say = (writer: LogWriter, text: string, stream: 'stdout' | 'stderr' = 'stdout'): Promise<void> =>
  writer.append({ stream, offset: writer.offsets[stream], data: Buffer.from(text) });

/** @returns where the next process begins */
export async function handedOver(
  store: LogStore,
  from = 'one',
  to = 'two',
): Promise<Readonly<Record<StreamName, number>>> {
  await store.handOver(from, to);
  return store.offsets(to);
}

/** So small that each line has a segment of its own. */
export const SMALL = { segmentBytes: 64, maxSegments: 100 };

export const linesOf = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `line ${n} of many\n`);

/** The log of a process that was lost. */
export async function lost(store: LogStore, lines = linesOf(10)): Promise<void> {
  const writer = await store.writer('one');
  for (const line of lines) await say(writer, line);
  await writer.close();
}
