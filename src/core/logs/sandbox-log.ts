import type { StreamName } from '../model/process.ts';
import type { Said } from './log-store.ts';
import type { LogRecord } from './record.ts';
import type { LogDirectory, Segment } from './segment.ts';
import { SharedBlocks } from './shared-blocks.ts';

/**
 * What this process knows about the log of one sandbox, shared by its writer and its readers. The writer changes it
 * and wakes the readers; they read the files up to what it says.
 */
export interface SandboxLog extends LogDirectory {
  readonly id: string;
  /** Oldest first. */
  segments: Segment[];
  /** The highest number that a segment, also one that was set aside, had when the log was loaded. */
  lastNumber: number;
  offsets: Record<StreamName, number>;
  /** Whether the last byte of each stream ended a line; unknown after a restart that did not see it counts as no. */
  atLineStart: Record<StreamName, boolean>;
  /** Bytes of both streams. */
  seq: number;
  /** Of the last record. */
  time: number;
  ended: boolean;
  /** Nobody will write to it, although it is not complete: followers end. Until there is a writer again. */
  deserted: boolean;
  removed: boolean;
  /** Woken at every change of the above. */
  readonly changed: Bell;
  readonly blocks: SharedBlocks;
}

/** Wakes everyone who waits; keeps nothing for those who come later. */
class Bell {
  readonly #waiting = new Set<() => void>();

  ring(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** `wake` is called once, at the next ring, unless the returned function was called before. */
  onRing(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => this.#waiting.delete(wake);
  }
}

/** A log of which nothing is known yet: that of a sandbox that has none. */
export const emptyLog = (id: string, place: LogDirectory): SandboxLog => ({
  id,
  ...place,
  segments: [],
  lastNumber: 0,
  offsets: { stdout: 0, stderr: 0 },
  atLineStart: { stdout: true, stderr: true },
  seq: 0,
  time: 0,
  ended: false,
  deserted: false,
  removed: false,
  changed: new Bell(),
  blocks: new SharedBlocks(),
});

/**
 * The log of an ended process, of which the next one has written nothing yet, goes on with a line of its own.
 * @param begin where the next one begins
 */
export function goOn(known: SandboxLog, begin: Readonly<Record<StreamName, number>>): void {
  if (known.offsets.stdout > begin.stdout || known.offsets.stderr > begin.stderr) return;
  known.ended = false;
  known.atLineStart = { stdout: true, stderr: true };
}

/** There was more than its files have: who reads it is told how much is missing at its end. */
export function learn(known: SandboxLog, { offsets, until }: Said): void {
  const stdout = Math.max(known.offsets.stdout, offsets.stdout);
  const stderr = Math.max(known.offsets.stderr, offsets.stderr);
  if (stdout + stderr <= known.seq) return;
  known.offsets = { stdout, stderr };
  known.seq = stdout + stderr;
  known.time = Math.max(known.time, until);
}

export const endsLine = (data: Buffer): boolean => data[data.length - 1] === 0x0a;

const NOTHING = Buffer.alloc(0);

/** What would stand behind its last record now, to tell readers of what is missing before it. */
export const endOf = ({ time, offsets, seq }: SandboxLog): LogRecord => ({
  ...{ kind: 'end', lineStart: false, time, offset: offsets.stdout, seq, data: NOTHING },
});
