import { connect, type Socket } from 'node:net';
import { FsbError } from '../../model/failure/errors.ts';
import { traceHeaders } from '../../model/trace.ts';
import { closeCodes } from '../../wire/stream/close-codes.ts';
import { decodeFrame, LONGEST_OUTPUT_FRAME, malformed, subprotocols } from '../../wire/stream/frames.ts';
import { kinds, MessageReader, messageHead } from '../../wire/stream/socket-messages.ts';
import type { Target } from '../security.ts';
import { unreachable } from '../unreachable.ts';
import {
  brokenStream,
  CLOSE_TIMEOUT_MS,
  type FrameSocket,
  HANDSHAKE_TIMEOUT_MS,
  type SocketEvents,
} from './frame-socket.ts';

const LONGEST_ANSWER = 16 * 1024;
const END_OF_HEAD = '\r\n\r\n';
const ACCEPTED = /^HTTP\/1\.1 101 .*\r\n(?:.*\r\n)*sec-websocket-protocol: fsb\.v1\r\n/i;

/**
 * A WebSocket over a unix socket without the library, which takes a command 5 ms to load and to use. All that it is there
 * for, proxies, TLS, extensions, strangers, does not exist on such a socket.
 * @returns `refused`: the answer was another one than that there is a stream now
 * @throws unavailable, denied, the signal's reason
 */
export async function openUnixSocket(
  endpoint: Target & { kind: 'unix' },
  path: string,
  events: SocketEvents,
  signal?: AbortSignal,
): Promise<FrameSocket | 'refused'> {
  const socket = connect(endpoint.path);
  const abort = (): void => void socket.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    socket.write(questionFor(path));
    if (!(await isAccepted(socket))) {
      socket.destroy();
      return 'refused';
    }
    if (signal?.aborted) throw signal.reason;
    return new UnixSocket(socket, events);
  } catch (error) {
    socket.destroy();
    if (signal?.aborted) throw FsbError.from(signal.reason);
    throw unreachable(endpoint, (error as Error).message, error as Error);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** The key is for proxies, too, which must not give an answer that they have kept. */
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

/** Reads the head of the answer and leaves what is behind it; the socket is paused then. */
function isAccepted(socket: Socket): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const hungUp = (): void => reject(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
    const take = (chunk: Buffer): void => {
      answer = Buffer.concat([answer, chunk]);
      const end = answer.indexOf(END_OF_HEAD);
      if (end < 0 && answer.length <= LONGEST_ANSWER) return;
      socket.off('data', take).off('close', hungUp).setTimeout(0).pause();
      const behind = answer.subarray(end + END_OF_HEAD.length);
      if (end >= 0 && behind.length > 0) socket.unshift(behind);
      resolve(end >= 0 && ACCEPTED.test(answer.toString('latin1', 0, end + 2)));
    };
    socket.setTimeout(HANDSHAKE_TIMEOUT_MS, () =>
      socket.destroy(new Error('Opening handshake has timed out')),
    );
    // The listener for errors stays: those that come later are followed by `close`, which is handled.
    socket.on('data', take).on('error', reject).once('close', hungUp);
  });
}

class UnixSocket implements FrameSocket {
  readonly #socket: Socket;
  readonly #events: SocketEvents;
  readonly #reader = new MessageReader(LONGEST_OUTPUT_FRAME);
  /** Both ends send one, once. */
  #closeSent = false;
  #closeReceived: string | undefined;
  #isOver = false;

  constructor(socket: Socket, events: SocketEvents) {
    this.#socket = socket;
    this.#events = events;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.once('close', () =>
      this.#end(brokenStream(this.#closeReceived ?? ''), this.#closeReceived === undefined),
    );
    // Not before whoever opened it has it at hand: that is done in microtasks, and this behind them.
    socket.resume();
  }

  send(frame: Buffer): void {
    if (!this.#closeSent) this.#write(kinds.binary, frame);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.closed) return resolve();
      this.#socket.once('close', () => resolve());
      this.#sendClose(closeCodes.done);
      this.#socket.setTimeout(CLOSE_TIMEOUT_MS, () => this.#socket.destroy());
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
    } else if (kind !== kinds.pong) throw malformed(`a message of kind ${kind}`);
  }

  #end(error: FsbError, broken: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.onEnd(error, broken);
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
