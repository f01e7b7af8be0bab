import { FsbError } from '../../model/failure/errors.ts';
import type { StreamName, TerminalSize } from '../../model/process.ts';

/**
 * Frames of the stream endpoints. A WebSocket message is one channel byte and its payload; integers are big-endian.
 *
 * `v5.channel.k8s.io` has the channels 0 to 4 and 255 and is what Kubernetes clients speak (docs/streams.md); the socket's own
 * backpressure is its only flow control. `fsb.v1` has them too, with the same meaning, and the rest of the table:
 * signals, exact positions, log entries, and a credit window for each direction, so that both ends may always read
 * their socket (and answer pings) while a slow consumer holds its producer back.
 *
 * A client that opens exec or attach with `resume=KEY` (22 to 64 letters, digits, - and _, which nobody can guess) may come
 * back after a break: `/api/v1/streams/KEY?received=N`, N being the frames that it got, acknowledgements and `received` not
 * counted. The core answers with `received`, and both send again what the other one has not got; see link.ts.
 */
export const channels = {
  /** To the core: bytes for stdin. */
  stdin: 0,
  /** To the client: bytes. */
  stdout: 1,
  stderr: 2,
  /** To the client, once, last: how it ended, Kubernetes Status JSON (see stream-end.ts). */
  status: 3,
  /** To the core: JSON {"Width":columns,"Height":rows}. */
  resize: 4,
  /** To the client, once, first: JSON {"window":bytes}, the input that may be on its way; of a main process more (see started.ts). */
  started: 16,
  /** To the core: one byte, the number of a signal for the process group. */
  signal: 17,
  /** Both ways: u64, how many bytes of credited messages (stdin; stdout, stderr, log) were consumed in all; with a link, u64 frames received. */
  ack: 18,
  /** To the client: u8 stream, u64 offset of its next byte, wherever that does not follow from what came before. */
  position: 19,
  /** To the core, first, when the request is too long for the URL: JSON exec request. */
  request: 20,
  /** To the client, first on a connection that goes on with a stream (see link.ts): u64, how many frames the core received. */
  received: 21,
  /** To the client: a log entry (see log-frame.ts). */
  log: 32,
  /** To the client, before the first log entry: where reading begins (see log-frame.ts). */
  logBegin: 33,
  /** One byte, the channel that gets no more: to the core 0, the end of input; to the client 1, when a forwarded port has ended its half. */
  close: 255,
} as const;

export const subprotocols = {
  own: 'fsb.v1',
  kubernetes: 'v5.channel.k8s.io',
  /** Without `close`, as older Kubernetes clients speak. */
  olderKubernetes: 'v4.channel.k8s.io',
} as const;

/** The longest message that a core accepts; clients cut stdin into pieces well below. */
export const LONGEST_INPUT_FRAME = 1024 * 1024;
/** The longest message that a client accepts. */
export const LONGEST_OUTPUT_FRAME = 16 * 1024 * 1024;
/** Pieces in which bytes of a process travel. */
export const PIECE = 64 * 1024;
/** Bytes of stdin on their way to the core, at most. */
export const INPUT_WINDOW = 256 * 1024;
/** Bytes on their way to a client that did not say `window` in the URL. */
export const OUTPUT_WINDOW = 1024 * 1024;
/** More would let a client that never reads fill the core with its output. */
export const LARGEST_OUTPUT_WINDOW = 4 * OUTPUT_WINDOW;

export interface Frame {
  channel: number;
  /** A view on the message, valid as long as the message. */
  payload: Buffer;
}

export function encodeFrame(channel: number, payload: Uint8Array = new Uint8Array()): Buffer {
  const frame = Buffer.allocUnsafe(1 + payload.length);
  frame[0] = channel;
  frame.set(payload, 1);
  return frame;
}

/** @throws invalid_argument for an empty message */
export function decodeFrame(message: Buffer): Frame {
  if (message.length === 0) throw malformed('a message without a channel byte');
  return { channel: message[0]!, payload: message.subarray(1) };
}

export const encodeJson = (channel: number, value: unknown): Buffer =>
  encodeFrame(channel, Buffer.from(JSON.stringify(value)));

/** @throws invalid_argument */
export function decodeJson(payload: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(payload.toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Told below, in our own words.
  }
  throw malformed('a payload that is no JSON object');
}

export const encodeResize = (size: TerminalSize): Buffer =>
  encodeJson(channels.resize, { Width: size.cols, Height: size.rows });

/** @throws invalid_argument */
export function decodeResize(payload: Buffer): TerminalSize {
  // Go reads names in any case, and JavaScript clients of Kubernetes write them in lower case.
  const fields = Object.entries(decodeJson(payload)).map(([name, value]) => [name.toLowerCase(), value]);
  const { width: cols, height: rows } = Object.fromEntries(fields) as Record<string, unknown>;
  if (isDimension(cols) && isDimension(rows)) return { rows, cols };
  throw malformed('a terminal size that is not two numbers from 0 to 65535');
}

export const encodeSignal = (signal: number): Buffer => encodeFrame(channels.signal, Buffer.of(signal));

/** @throws invalid_argument */
export function decodeSignal(payload: Buffer): number {
  const signal = payload[0];
  if (payload.length === 1 && signal! >= 1 && signal! <= 64) return signal!;
  throw malformed('a signal that is not one byte from 1 to 64');
}

export function encodeAck(consumed: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64BE(BigInt(consumed));
  return encodeFrame(channels.ack, payload);
}

/** @throws invalid_argument */
export function decodeAck(payload: Buffer): number {
  return readCount(payload, 0, 8);
}

export function encodeReceived(frames: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64BE(BigInt(frames));
  return encodeFrame(channels.received, payload);
}

/** @throws invalid_argument */
export const decodeReceived = (payload: Buffer): number => readCount(payload, 0, 8);

export function encodePosition(stream: StreamName, offset: number): Buffer {
  const payload = Buffer.alloc(9);
  payload[0] = channels[stream];
  payload.writeBigUInt64BE(BigInt(offset), 1);
  return encodeFrame(channels.position, payload);
}

/** @throws invalid_argument */
export function decodePosition(payload: Buffer): { stream: StreamName; offset: number } {
  return { stream: streamOf(payload[0]), offset: readCount(payload, 1, 9) };
}

/** @throws invalid_argument */
export function streamOf(channel: number | undefined): StreamName {
  if (channel === channels.stdout) return 'stdout';
  if (channel === channels.stderr) return 'stderr';
  throw malformed(`stream number ${channel}`);
}

/** @throws invalid_argument when the payload has another length than expected, or the count is not exact */
export function readCount(payload: Buffer, at: number, expectedLength?: number): number {
  if (payload.length < at + 8 || (expectedLength !== undefined && payload.length !== expectedLength))
    throw malformed('a payload of the wrong length');
  const count = Number(payload.readBigUInt64BE(at));
  if (!Number.isSafeInteger(count)) throw malformed('a count above 2^53');
  return count;
}

export function malformed(what: string): FsbError {
  return new FsbError('invalid_argument', `the peer broke the stream protocol: it sent ${what}`);
}

function isDimension(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535;
}
