import { FsbError } from '../../model/failure/errors.ts';
import type { OutputChunk, StreamName } from '../../model/process.ts';
import { ProtocolError } from '../protocol/protocol-error.ts';

/** Credit goes back in portions: a frame for every line would wake the guest for nothing. */
const ACKNOWLEDGE_AT = 64 * 1024;
/** While the consumer waits anyway, the guest is freed of what it holds earlier. */
const ACKNOWLEDGE_IDLE_AT = 4 * 1024;
/**
 * From so many waiting chunks on, a piece joins the last one of its stream, also past those of the other one: a guest
 * that sends single bytes must not fill the heap.
 */
const MANY_CHUNKS = 64;
/** Bytes of a chunk that was joined from several: one write, one turn of the consumer. */
const JOINED_CHUNK = 128 * 1024;

interface Stream {
  received: number;
  consumed: number;
  acknowledged: number;
  /** Known from the exit on. */
  total: number | undefined;
  /** The last one that still waits, and may grow in `room`. */
  tail: WaitingChunk | undefined;
}

/** Its data is a view on the front of `room`. */
interface WaitingChunk extends OutputChunk {
  room: Buffer;
}

interface Waiter {
  resolve(result: IteratorResult<OutputChunk>): void;
  reject(error: Error): void;
}

export interface OutputOptions {
  /** Bytes of each stream that the guest may send beyond what was acknowledged. */
  window: number;
  /** Where each stream continues. */
  from: Record<StreamName, number>;
  acknowledge(stream: StreamName, offset: number): void;
  /** Everything was consumed, or will never be. */
  onSettled(): void;
}

/**
 * The output of one process on its way from the guest to the one consumer. It holds at most one window for each
 * stream. What comes while the consumer is busy is joined, so that it can catch up. Under a backlog of tiny pieces, the
 * order between stdout and stderr is kept only roughly; within each it is exact.
 */
export class OutputQueue implements AsyncIterable<OutputChunk> {
  readonly #options: OutputOptions;
  readonly #streams: Record<StreamName, Stream>;
  readonly #waiting: WaitingChunk[] = [];
  #lent: OutputChunk | undefined;
  #waiter: Waiter | undefined;
  #error: Error | undefined;
  #dropped = false;
  #iterated = false;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.#streams = { stdout: newStream(options.from.stdout), stderr: newStream(options.from.stderr) };
  }

  /** Nothing more will be consumed: all was, or nobody will. */
  get settled(): boolean {
    const { stdout, stderr } = this.#streams;
    return this.#dropped || (stdout.consumed === stdout.total && stderr.consumed === stderr.total);
  }

  /** Bytes of both streams. */
  get received(): number {
    return this.#streams.stdout.received + this.#streams.stderr.received;
  }

  /** The process has ended, and the guest has not sent all that it wrote; somebody wants that. */
  get isOwed(): boolean {
    const isOver = this.#streams.stdout.total !== undefined;
    return isOver && !this.#complete && !this.#dropped && this.#error === undefined;
  }

  /** The guest may send more of what it owes. */
  get mayGrow(): boolean {
    return Object.values(this.#streams).some(
      ({ received, total, acknowledged }) =>
        received !== total && received - acknowledged < this.#options.window,
    );
  }

  /** No more will come of what is owed: the output ends where it is. */
  cut(): void {
    for (const stream of Object.values(this.#streams)) stream.total = stream.received;
    this.#endWhenComplete();
    if (this.settled) this.#options.onSettled();
  }

  /** Keeps nothing of `data` itself. @throws ProtocolError for a gap, a repetition, or more than the window or the total */
  receive(name: StreamName, offset: number, data: Buffer): void {
    const stream = this.#streams[name];
    const end = offset + data.length;
    if (offset !== stream.received)
      throw new ProtocolError('outOfRange', `${name} continues at ${offset} instead of ${stream.received}`);
    if (end - stream.acknowledged > this.#options.window)
      throw new ProtocolError('windowExceeded', `${name} goes beyond its window`);
    if (stream.total !== undefined && end > stream.total)
      throw new ProtocolError('outOfRange', `${name} goes beyond its end at ${stream.total}`);
    stream.received = end;
    if (this.#dropped) return;
    if (this.#waiter) this.#lend({ stream: name, offset, data: Buffer.from(data) });
    else if (!this.#join(stream, data)) this.#keep(stream, name, offset, data);
  }

  /** The process ended, and these are all the bytes it wrote. @throws ProtocolError when more had come already */
  finish(totals: Record<StreamName, number>): void {
    for (const name of ['stdout', 'stderr'] as const) {
      const stream = this.#streams[name];
      if (totals[name] < stream.received)
        throw new ProtocolError(
          'outOfRange',
          `${name} ends at ${totals[name]}, after ${stream.received} bytes of it`,
        );
      stream.total = totals[name];
    }
    this.#endWhenComplete();
  }

  /** No more will come. What is here is still delivered, then the consumer gets the error, unless that was all. */
  fail(error: Error): void {
    if (this.#complete || this.#error) return;
    this.#error = error;
    this.#takeWaiter()?.reject(error);
  }

  /** Nobody consumes any longer. Nothing more is acknowledged, so that a later core can have it. Idempotent. */
  drop(): void {
    if (this.#dropped) return;
    this.#dropped = true;
    this.#waiting.length = 0;
    this.#lent = undefined;
    for (const stream of Object.values(this.#streams)) stream.tail = undefined;
    this.#takeWaiter()?.resolve({ done: true, value: undefined });
    this.#options.onSettled();
  }

  [Symbol.asyncIterator](): AsyncIterator<OutputChunk> {
    if (this.#iterated) throw new FsbError('conflict', 'the output of a process can be read only once');
    this.#iterated = true;
    return {
      next: () => this.#next(),
      return: async () => {
        this.drop();
        return { done: true, value: undefined };
      },
    };
  }

  get #complete(): boolean {
    const { stdout, stderr } = this.#streams;
    return stdout.received === stdout.total && stderr.received === stderr.total;
  }

  #next(): Promise<IteratorResult<OutputChunk>> {
    this.#consumeLent();
    const chunk = this.#waiting.shift();
    if (chunk) {
      const stream = this.#streams[chunk.stream];
      if (stream.tail === chunk) stream.tail = undefined;
      this.#lent = chunk;
      return Promise.resolve({
        done: false,
        value: { stream: chunk.stream, offset: chunk.offset, data: chunk.data },
      });
    }
    if (this.#dropped || this.#complete) return Promise.resolve({ done: true, value: undefined });
    if (this.#error) return Promise.reject(this.#error);
    if (this.#waiter)
      return Promise.reject(new FsbError('conflict', 'the output is already being waited for'));
    this.#acknowledge(ACKNOWLEDGE_IDLE_AT);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  #consumeLent(): void {
    const chunk = this.#lent;
    if (!chunk) return;
    this.#lent = undefined;
    this.#streams[chunk.stream].consumed = chunk.offset + chunk.data.length;
    this.#acknowledge(ACKNOWLEDGE_AT);
    if (this.settled) this.#options.onSettled();
  }

  #acknowledge(atLeast: number): void {
    if (this.#error) return;
    for (const name of ['stdout', 'stderr'] as const) {
      const stream = this.#streams[name];
      if (stream.consumed - stream.acknowledged < atLeast) continue;
      stream.acknowledged = stream.consumed;
      this.#options.acknowledge(name, stream.consumed);
    }
  }

  #lend(chunk: OutputChunk): void {
    this.#lent = chunk;
    this.#takeWaiter()?.resolve({ done: false, value: chunk });
  }

  /** False when the piece needs a chunk of its own. */
  #join({ tail }: Stream, data: Buffer): boolean {
    if (tail === undefined || tail.data.length + data.length > JOINED_CHUNK) return false;
    if (tail !== this.#waiting.at(-1) && this.#waiting.length < MANY_CHUNKS) return false;
    append(tail, data);
    return true;
  }

  #keep(stream: Stream, name: StreamName, offset: number, data: Buffer): void {
    const room = Buffer.from(data);
    stream.tail = { stream: name, offset, data: room, room };
    this.#waiting.push(stream.tail);
  }

  #endWhenComplete(): void {
    if (!this.#complete || this.#waiting.length > 0) return;
    this.#takeWaiter()?.resolve({ done: true, value: undefined });
  }

  #takeWaiter(): Waiter | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    return waiter;
  }
}

function newStream(from: number): Stream {
  return { received: from, consumed: from, acknowledged: from, total: undefined, tail: undefined };
}

/** The room doubles, so that each byte is copied about twice, however small the pieces are. */
function append(tail: WaitingChunk, data: Buffer): void {
  const { length } = tail.data;
  const end = length + data.length;
  if (end > tail.room.length) {
    tail.room = Buffer.allocUnsafe(Math.min(2 * end, JOINED_CHUNK));
    tail.data.copy(tail.room);
  }
  data.copy(tail.room, length);
  tail.data = tail.room.subarray(0, end);
}
