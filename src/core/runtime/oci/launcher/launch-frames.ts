import { constants } from 'node:os';

/** What goes over the two pipes of `fsb-launch serve`; guest/launch/request.h has the layout. */

const kinds = { start: 1, kill: 2, hurry: 3 };
const LOW_PRIORITY = 1;
const HEADER = 9;
/** Length field, and what a result has before the words of its process. */
const RESULT_HEADER = 13;
const SAID_MOST = 64 * 1024;
const REQUEST_MOST = 1024 * 1024;

/** How a process ended. */
export interface LaunchResult {
  /** Null when a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The first 64 KiB. */
  stderr: string;
}

/**
 * @param words the name of a mode of fsb-launch, and what follows it
 * @throws RangeError when they do not fit into a request, or one has a zero byte
 */
export function encodeStart(id: number, words: string[], lowPriority: boolean): Buffer {
  if (words.some((word) => word.includes('\0'))) throw new RangeError('an argument has a zero byte');
  const text = Buffer.from(`${words.join('\0')}\0`);
  const flags = Buffer.of(lowPriority ? LOW_PRIORITY : 0);
  const frame = Buffer.concat([header(id, kinds.start, flags.length + text.length), flags, text]);
  if (frame.length - 4 > REQUEST_MOST) throw new RangeError('the arguments are too long');
  return frame;
}

/** SIGKILL to the process and its group. */
export const encodeKill = (id: number): Buffer => header(id, kinds.kill, 0);

/** Normal priority from now on. */
export const encodeHurry = (id: number): Buffer => header(id, kinds.hurry, 0);

function header(id: number, kind: number, rest: number): Buffer {
  const frame = Buffer.allocUnsafe(HEADER);
  frame.writeUInt32LE(HEADER - 4 + rest, 0);
  frame.writeUInt32LE(id, 4);
  frame[8] = kind;
  return frame;
}

/** Cuts what fsb-launch writes into results, wherever its chunks end. */
export class ResultDecoder {
  readonly #onResult: (id: number, result: LaunchResult) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(onResult: (id: number, result: LaunchResult) => void) {
    this.#onResult = onResult;
  }

  /** @throws RangeError for what is no result; the decoder is of no more use then */
  feed(chunk: Buffer): void {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (rest.length >= 4) {
      const length = rest.readUInt32LE(0);
      if (length < RESULT_HEADER - 4 || length > RESULT_HEADER - 4 + SAID_MOST)
        throw new RangeError(`a result of ${length} bytes`);
      if (rest.length < 4 + length) break;
      this.#onResult(rest.readUInt32LE(4), decodeResult(rest.subarray(8, 4 + length)));
      rest = rest.subarray(4 + length);
    }
    this.#rest = rest;
  }
}

function decodeResult(payload: Buffer): LaunchResult {
  const bySignal = payload[0] === 1;
  const value = payload.readUInt32LE(1);
  const stderr = payload.toString('utf8', RESULT_HEADER - 8);
  return { code: bySignal ? null : value, signal: bySignal ? signalName(value) : null, stderr };
}

function signalName(number: number): NodeJS.Signals {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return (found?.[0] ?? `SIG${number}`) as NodeJS.Signals;
}
