import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import type { LogEntry } from '../../model/logs.ts';
import { channels, encodeAck, type Frame, malformed } from '../../wire/stream/frames.ts';
import { decodeLog, decodeLogBegin, type LogPlace } from '../../wire/stream/log-frame.ts';
import { decodeStatus } from '../../wire/stream/stream-end.ts';
import type { FrameSocket, SocketEvents } from './frame-socket.ts';
import { Inbox } from './inbox.ts';

/** The entries of one log connection. */
export class LogReader implements SocketEvents {
  readonly #inbox: Inbox<LogEntry>;
  readonly #begins: (place: LogPlace) => void;
  #socket: FrameSocket | undefined;

  /** @param begins is told where reading begins, before the first entry */
  constructor(begins: (place: LogPlace) => void) {
    this.#begins = begins;
    this.#inbox = new Inbox((consumed) => this.#socket?.send(encodeAck(consumed)));
  }

  use(socket: FrameSocket): void {
    this.#socket = socket;
  }

  onFrame({ channel, payload }: Frame): void {
    if (channel === channels.log) this.#inbox.push(decodeLog(payload), payload.length + 1);
    else if (channel === channels.logBegin) this.#begins(decodeLogBegin(payload));
    else if (channel === channels.status) this.#conclude(payload);
    else throw malformed(`a frame on channel ${channel} to a log reader`);
  }

  /** `unavailable`: the log may be taken up again. */
  onEnd(reason: FsbError): void {
    this.#inbox.end(new FsbError('unavailable', `lost the log: ${reason.message}`, { cause: reason }));
  }

  /** @throws the core's error, unavailable, or the signal's reason */
  async *entries(signal?: AbortSignal): AsyncGenerator<LogEntry> {
    const abort = (): void => this.#inbox.end(FsbError.from(signal?.reason));
    throwIfAborted(signal);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      for await (const entry of this.#inbox) {
        throwIfAborted(signal);
        yield entry;
      }
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  #conclude(payload: Buffer): void {
    const end = decodeStatus(payload);
    if (end.kind === 'error') this.#inbox.end(end.error);
    else this.#inbox.end();
  }
}
