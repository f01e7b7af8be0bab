import { connect, type Socket } from 'node:net';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { traceHeaders } from '../../model/trace.ts';
import { closeCodes } from '../../wire/stream/close-codes.ts';
import { decodeFrame, LONGEST_OUTPUT_FRAME, malformed, subprotocols } from '../../wire/stream/frames.ts';
import { kinds, MessageReader, messageHead } from '../../wire/stream/socket-messages.ts';
import { refusalOf } from '../refusal.ts';
import type { Target } from '../security.ts';
import { noCoreThere, unreachable } from '../unreachable.ts';
import {
  brokenStream,
  CLOSE_TIMEOUT_MS,
  type FrameSocket,
  HANDSHAKE_TIMEOUT_MS,
  type SocketEvents,
} from './frame-socket.ts';

const LONGEST_HEAD = 16 * 1024;
const END_OF_HEAD = '\r\n\r\n';
const HTTP = 'HTTP/1.1 ';
const STATUS = /^HTTP\/1\.1 (\d{3}) /;
const PROTOCOL = new RegExp(`\r\nsec-websocket-protocol:[ \t]*${subprotocols.own}[ \t]*\r\n`, 'i');

/**
 * A WebSocket over a unix socket without the library, which takes a command 5 ms to load and to use: most of what it is
 * there for, TLS, extensions, compression, proxies, does not come over such a socket.
 * @throws unavailable, denied; the core's own error when it refuses; the signal's reason
 */
export async function openUnixSocket(
  endpoint: Target & { kind: 'unix' },
  path: string,
  events: SocketEvents,
  signal?: AbortSignal,
): Promise<FrameSocket> {
  const socket = connect(endpoint.path);
  const abort = (): void => void socket.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  const tooLate = new Error('Opening handshake has timed out');
  const timer = setTimeout(() => socket.destroy(tooLate), HANDSHAKE_TIMEOUT_MS);
  try {
    socket.write(questionFor(path));
    const head = await headOf(socket);
    const status = Number(STATUS.exec(head)?.[1]);
    if (status === 101 && PROTOCOL.test(head)) {
      throwIfAborted(signal);
      return new UnixSocket(socket, events);
    }
    const line = head.slice(0, head.indexOf('\r\n'));
    if (status < 200 || Number.isNaN(status)) throw noCoreThere(endpoint, line.slice(0, 60), new Error(line));
    throw await refusalOf(bodyOf(socket, head), status);
  } catch (error) {
    socket.destroy();
    if (signal?.aborted) throw FsbError.from(signal.reason);
    throw error instanceof FsbError ? error : unreachable(endpoint, (error as Error).message, error as Error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/** The key is for proxies, which must not give an answer that they have kept. */
const questionFor = (path: string): string =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: localhost',
    ...['Connection: Upgrade', 'Upgrade: websocket'],
    ...['Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`],
    `Sec-WebSocket-Protocol: ${subprotocols.own}`,
    ...Object.entries(traceHeaders() ?? {}).map(([name, value]) => `${name}: ${value}`),
    '\r\n',
  ].join('\r\n');

/** The head of the answer, with the end of its last line; what is behind it stays, and the socket is paused. */
function headOf(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const hungUp = (): void => reject(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
    const take = (chunk: Buffer): void => {
      answer = Buffer.concat([answer, chunk]);
      const end = answer.indexOf(END_OF_HEAD);
      if (
        end < 0 &&
        answer.length <= LONGEST_HEAD &&
        HTTP.startsWith(answer.toString('latin1', 0, HTTP.length))
      )
        return;
      socket.off('data', take).off('close', hungUp).pause();
      const behind = end < 0 ? answer.length : end + END_OF_HEAD.length;
      if (behind < answer.length) socket.unshift(answer.subarray(behind));
      resolve(answer.toString('latin1', 0, end < 0 ? LONGEST_HEAD : end + 2));
    };
    // The listener for errors stays: those that come later are followed by `close`, which is handled.
    socket.on('data', take).on('error', reject).once('close', hungUp);
  });
}

/** It may end with the connection. */
async function* bodyOf(socket: Socket, head: string): AsyncGenerator<Buffer> {
  let left = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.POSITIVE_INFINITY);
  if (left === 0) return;
  for await (const piece of socket as AsyncIterable<Buffer>) {
    yield piece;
    left -= piece.length;
    if (left <= 0) return;
  }
}

class UnixSocket implements FrameSocket {
  readonly #socket: Socket;
  readonly #events: SocketEvents;
  readonly #reader = new MessageReader(LONGEST_OUTPUT_FRAME);
  /** Both ends send one, once. */
  #closeSent = false;
  #closeReceived: string | undefined;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, events: SocketEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.once('close', () => {
      clearTimeout(this.#timer);
      this.#end(brokenStream(this.#closeReceived ?? ''), this.#closeReceived === undefined);
    });
    // Not before whoever opened it has it at hand: that is done in microtasks, and this behind them.
    socket.resume();
  }

  send(frame: Buffer): void {
    this.#write(kinds.binary, frame);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.closed) return resolve();
      this.#socket.once('close', () => resolve());
      this.#sendClose(closeCodes.done);
      this.#isClosing();
    });
  }

  destroy(): void {
    // What breaks without a word may come back, and is waited for.
    this.#sendClose(closeCodes.done);
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    try {
      for (const { kind, payload } of this.#reader.read(chunk)) this.#take(kind, payload);
    } catch (error) {
      this.#sendClose(closeCodes.protocol);
      this.#end(FsbError.from(error), false);
      this.#socket.destroy();
    }
  }

  #take(kind: number, payload: Buffer): void {
    if (this.#closeReceived !== undefined || this.#isOver) return;
    if (kind === kinds.binary) this.#events.onFrame(decodeFrame(payload));
    else if (kind === kinds.ping) this.#write(kinds.pong, payload);
    else if (kind === kinds.close) {
      this.#closeReceived = payload.subarray(2).toString();
      this.#sendClose(payload.length < 2 ? closeCodes.done : payload.readUInt16BE(0));
      this.#socket.end();
      this.#isClosing();
    } else if (kind !== kinds.pong) throw malformed(`a message of kind ${kind}`);
  }

  #end(error: FsbError, broken: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onEnd(error, broken);
  }

  /** From here on the other end has so long. */
  #isClosing(): void {
    this.#timer ??= setTimeout(() => this.#socket.destroy(), CLOSE_TIMEOUT_MS);
  }

  #sendClose(code: number): void {
    if (this.#closeSent) return;
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.#write(kinds.close, payload);
    this.#closeSent = true;
  }

  #write(kind: number, payload: Buffer): void {
    if (this.#socket.destroyed || this.#closeSent) return;
    this.#socket.cork();
    this.#socket.write(messageHead(kind, payload.length));
    this.#socket.write(payload);
    this.#socket.uncork();
  }
}
