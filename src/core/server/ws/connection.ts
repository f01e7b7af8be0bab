import { abortable } from '../../model/async/abortable.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { formatDuration } from '../../model/quantity.ts';
import { closeCodeOf, closeCodes } from '../../wire/stream/close-codes.ts';
import { channels, decodeAck, decodeJson, type Frame } from '../../wire/stream/frames.ts';
import { encodeStatus, type StreamEnd } from '../../wire/stream/stream-end.ts';
import type { Carrier } from './carrier.ts';

/** Milliseconds for the request of a stream that said it would send one; a client has it before it connects. */
const REQUEST_MS = 10_000;

/** The server's end of one stream: frames in, frames out at the pace of the client, and one way to end. */
export class Connection {
  /** Aborts when the client is gone or the stream was ended from here. */
  readonly closed: AbortSignal;
  /** True when the client speaks the superset, with credit windows. */
  readonly own: boolean;
  readonly #carrier: Carrier;
  readonly #window: number;
  readonly #clock: Clock;
  readonly #gone = new AbortController();
  #sent = 0;
  #acknowledged = 0;
  #wake: (() => void) | undefined;
  #onRequest: ((payload: Buffer) => void) | undefined;
  #onFrame: ((frame: Frame) => void) | undefined;

  constructor(carrier: Carrier, window: number, clock: Clock) {
    this.#carrier = carrier;
    this.#window = window;
    this.#clock = clock;
    this.own = carrier.own;
    this.closed = this.#gone.signal;
    carrier.share.onRoom = () => this.#wake?.();
    carrier.use({ onFrame: (frame) => this.#receive(frame), onGone: () => this.#leave() });
  }

  /** Every frame but acknowledgements. What it throws ends the stream with a protocol error. */
  onFrame(handle: (frame: Frame) => void): void {
    this.#onFrame = handle;
  }

  /** Control frames, which need no credit. */
  send(frame: Buffer): void {
    if (!this.closed.aborted) this.#carrier.send(frame);
  }

  /** The request frame of a client whose request was too long for the URL. @throws cancelled, timeout */
  firstRequest(): Promise<Record<string, unknown>> {
    let cancel = (): void => {};
    const request = new Promise<Record<string, unknown>>((resolve, reject) => {
      this.#onRequest = (payload) => resolve(decodeJson(payload));
      const late = new FsbError('timeout', `no request came within ${formatDuration(REQUEST_MS)}`);
      cancel = this.#clock.after(REQUEST_MS, () => reject(late));
    });
    return abortable(request, this.closed).finally(cancel);
  }

  /** Resolves when there is room for more, or the client is gone. One caller at a time. */
  async sendCredited(frame: Buffer): Promise<void> {
    if (this.closed.aborted) return;
    this.#sent += frame.length;
    await this.#carrier.flushed(frame);
    while (this.#mustWait() && !this.closed.aborted) await this.#woken();
  }

  /** Of what came so many bytes more, or less, are in memory. @throws no_capacity, unavailable: there is no room for them */
  hold(bytes: number): void {
    this.#carrier.share.incoming.take(bytes);
  }

  /** Stops reading the socket: the client is sending faster than its process reads. */
  pause(): void {
    this.#carrier.pause();
  }

  resume(): void {
    this.#carrier.resume();
  }

  /** The last frame, then the close that says why. */
  end(end: StreamEnd): void {
    this.send(encodeStatus(end));
    this.finish(end);
  }

  /** Without a status, for a protocol that has none. */
  finish(end: StreamEnd): void {
    if (this.closed.aborted) return;
    if (end.kind === 'error') this.#carrier.finish(closeCodeOf(end.error.code), end.error.message);
    else this.#carrier.finish(closeCodes.done, '');
    this.#leave();
  }

  /** Without a status: nothing is known about the end, because it is not the end. */
  goAway(reason: string): void {
    this.#close(closeCodes.goingAway, reason);
  }

  #close(code: number, reason: string): void {
    this.#carrier.close(code, reason);
    this.#leave();
  }

  #receive(frame: Frame): void {
    if (this.closed.aborted) return;
    try {
      if (frame.channel === channels.ack) this.#acknowledge(decodeAck(frame.payload));
      else if (frame.channel === channels.request && this.#onRequest !== undefined)
        this.#beginWith(this.#onRequest, frame.payload);
      else this.#onFrame?.(frame);
    } catch (thrown) {
      const error = FsbError.from(thrown);
      if (error.code === 'invalid_argument') this.#close(closeCodes.protocol, error.message);
      else this.end({ kind: 'error', error });
    }
  }

  /** What it says is in memory as long as the stream. */
  #beginWith(onRequest: (payload: Buffer) => void, payload: Buffer): void {
    this.hold(payload.length);
    onRequest(payload);
  }

  #acknowledge(consumed: number): void {
    if (consumed > this.#sent)
      throw new FsbError('invalid_argument', 'an acknowledgement of what was not sent');
    this.#acknowledged = Math.max(this.#acknowledged, consumed);
    this.#wake?.();
  }

  #mustWait(): boolean {
    if (this.own && this.#sent - this.#acknowledged > this.#window) return true;
    const { share } = this.#carrier;
    if (share.hasRoom) return false;
    share.wait();
    return true;
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #leave(): void {
    if (!this.closed.aborted) this.#gone.abort(new FsbError('cancelled', 'the client left the stream'));
    this.#wake?.();
  }
}
