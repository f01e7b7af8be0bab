import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';
import type { OutputChunk, StreamName } from '../model/process.ts';
import type { LogTally } from '../model/tally.ts';
import { Batch, nextWrite } from './batch.ts';
import { writeError } from './log-error.ts';
import type { LogWriter } from './log-store.ts';
import { type LogRecord, MAX_DATA, offsetsAfter } from './record.ts';
import { endsLine, type SandboxLog } from './sandbox-log.ts';
import type { SegmentFile } from './segment-file.ts';

interface WriterParts {
  known: SandboxLog;
  file: SegmentFile;
  clock: Clock;
  log: Logger;
  tally: LogTally;
  /** Called once, when the writer lets go of the log. */
  onClose: () => void;
}

const NOTHING = Buffer.alloc(0);

/** While one write is under way, everything that comes is collected for the next one. */
export class QueuedLogWriter implements LogWriter {
  readonly #known: SandboxLog;
  readonly #file: SegmentFile;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #tally: LogTally;
  readonly #onClose: () => void;
  /** As the log will be when everything that waits is written. */
  #accepted: Record<StreamName, number>;
  #atLineStart: Record<StreamName, boolean>;
  #time: number;
  #waiting: Batch | undefined;
  #underWay: Batch | undefined;
  #ending: Promise<void> | undefined;
  /** Where the streams end, once somebody has said so. */
  #end: Readonly<Record<StreamName, number>> | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: WriterParts) {
    this.#known = parts.known;
    this.#file = parts.file;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#tally = parts.tally;
    this.#onClose = parts.onClose;
    this.#accepted = { ...parts.known.offsets };
    this.#atLineStart = { ...parts.known.atLineStart };
    this.#time = parts.known.time;
  }

  get offsets(): Readonly<Record<StreamName, number>> {
    return this.#known.offsets;
  }

  get time(): number {
    return this.#time;
  }

  get kept(): number {
    return this.#file.kept;
  }

  async append(chunk: OutputChunk): Promise<void> {
    this.#assertOpen();
    const { stream, offset } = chunk;
    const known = this.#accepted[stream];
    const data = offset < known ? chunk.data.subarray(known - offset) : chunk.data;
    // Known bytes may still be on their way: whoever sends them again must not believe them safe before they are.
    if (data.length === 0) return (this.#waiting ?? this.#underWay)?.written;
    if (this.#known.ended || this.#ending) throw this.#refusal('is complete');
    return this.#enqueue(this.#recordsOf(stream, Math.max(offset, known), data));
  }

  async skipTo(offsets: Readonly<Record<StreamName, number>>): Promise<void> {
    this.#assertOpen();
    const stdout = Math.max(this.#accepted.stdout, offsets.stdout);
    const stderr = Math.max(this.#accepted.stderr, offsets.stderr);
    if (this.#known.ended || stdout + stderr === this.#accepted.stdout + this.#accepted.stderr) return;
    this.#accepted = { stdout, stderr };
    this.#atLineStart = { stdout: false, stderr: false };
    const [time, data] = [this.#now(), NOTHING];
    await this.#enqueue([
      { kind: 'stdout', lineStart: false, time, offset: stdout, seq: stdout + stderr, data },
    ]);
  }

  end(ends: Readonly<Record<StreamName, number>> = this.#accepted): Promise<void> {
    if (this.#known.ended) return Promise.resolve();
    this.#end = ends;
    this.#ending ??= this.#writeEnd(ends).catch((error) => {
      this.#ending = undefined;
      throw error;
    });
    return this.#ending;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #writeEnd(ends: Readonly<Record<StreamName, number>>): Promise<void> {
    this.#assertOpen();
    const stdout = Math.max(this.#accepted.stdout, ends.stdout);
    const stderr = Math.max(this.#accepted.stderr, ends.stderr);
    this.#accepted = { stdout, stderr };
    const [time, data] = [this.#now(), NOTHING];
    await this.#enqueue([
      { kind: 'end', lineStart: false, time, offset: stdout, seq: stdout + stderr, data },
    ]);
    await this.#file.close();
  }

  async #close(): Promise<void> {
    // Those who appended hear of failures themselves.
    while (this.#underWay) await this.#underWay.written.catch(() => {});
    if (this.#end && !this.#known.ended) this.#endFollowers(this.#end);
    await this.#file.close().finally(this.#onClose);
  }

  /** Nothing will come any more, although the log cannot say so. */
  #endFollowers(end: Readonly<Record<StreamName, number>>): void {
    this.#tally.missing += Math.max(0, end.stdout + end.stderr - this.#known.seq);
    this.#known.ended = true;
    this.#known.changed.ring();
  }

  #assertOpen(): void {
    if (this.#known.removed) throw this.#refusal('was removed');
    if (this.#closing) throw this.#refusal('is closed');
  }

  #refusal(because: string): FsbError {
    return new FsbError('conflict', `cannot write to the log of sandbox ${this.#known.id}: it ${because}`);
  }

  #recordsOf(stream: StreamName, offset: number, data: Buffer): LogRecord[] {
    const records: LogRecord[] = [];
    const time = this.#now();
    for (let at = 0; at < data.length; at += MAX_DATA) {
      const part = data.subarray(at, at + MAX_DATA);
      const lineStart = this.#atLineStart[stream] && offset + at === this.#accepted[stream];
      this.#accepted[stream] = offset + at + part.length;
      this.#atLineStart[stream] = endsLine(part);
      const seq = this.#accepted.stdout + this.#accepted.stderr;
      records.push({ kind: stream, lineStart, time, offset: offset + at, seq, data: part });
    }
    return records;
  }

  /** Never before what was written earlier: a wall clock that is set back stands still in a log until it has caught up. */
  #now(): number {
    this.#time = Math.max(this.#time, this.#clock.now());
    return this.#time;
  }

  #enqueue(records: LogRecord[]): Promise<void> {
    this.#waiting ??= new Batch();
    const { written } = this.#waiting;
    for (const record of records) this.#waiting.records.push(record);
    if (this.#underWay === undefined) void this.#drain();
    return written;
  }

  /** Never rejects: a failure goes to those whose bytes it concerns. */
  async #drain(): Promise<void> {
    while (this.#waiting !== undefined) {
      const batch = this.#waiting;
      this.#underWay = batch;
      this.#waiting = undefined;
      try {
        await this.#write(batch.records);
        batch.resolve();
      } catch (error) {
        this.#fail(writeError(error, this.#known.id, this.#known.directory), batch);
      }
    }
    this.#underWay = undefined;
  }

  async #write(records: readonly LogRecord[]): Promise<void> {
    for (let done = 0; done < records.length; ) {
      const written = await this.#file.write(nextWrite(records, done));
      done += written;
      this.#publish(records.slice(done - written, done));
    }
  }

  /** Lets readers see what was written. */
  #publish(records: readonly LogRecord[]): void {
    const last = records.at(-1)!;
    for (const record of records) this.#count(record);
    this.#known.time = last.time;
    this.#known.offsets = offsetsAfter(last);
    for (const { kind, data } of records) if (kind !== 'end') this.#known.atLineStart[kind] = endsLine(data);
    this.#known.ended = last.kind === 'end';
    this.#known.changed.ring();
  }

  /** A gap counts when what comes behind it is in the log, however often that was tried. */
  #count({ kind, seq, data }: LogRecord): void {
    const missing = seq - data.length - this.#known.seq;
    this.#tally.written += data.length;
    this.#tally.missing += missing;
    this.#known.seq = seq;
    // Whoever ends a log has told of what is missing at its end.
    if (missing === 0 || kind === 'end') return;
    this.#log.warn({ sandbox: this.#known.id, missing }, 'output is missing in a log');
  }

  /** Everything accepted after the failed bytes fails with them; the streams go on from what is in the log. */
  #fail(error: FsbError, batch: Batch): void {
    const behind = this.#waiting;
    this.#waiting = undefined;
    this.#tally.failures += 1;
    this.#accepted = { ...this.#known.offsets };
    this.#atLineStart = { ...this.#known.atLineStart };
    batch.reject(error);
    behind?.reject(error);
  }
}
