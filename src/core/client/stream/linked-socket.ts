import { setTimeout as delay } from 'node:timers/promises';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import { unguessable } from '../../model/unguessable.ts';
import { channels, decodeReceived, type Frame } from '../../wire/stream/frames.ts';
import { Link } from '../../wire/stream/link.ts';
import type { FrameSocket, SocketEvents } from './frame-socket.ts';

/** Pauses before the next try to go on, milliseconds. */
const PAUSES = [0, 50, 200, 500, 1000, 2000, 2000, 2000, 2000];
/** The same for a stream of which nothing has come yet. */
const FIRST_PAUSES = [0, 50, 200, 500, 1000];

export interface LinkedSocketOptions {
  /** Opens a connection: that of the stream, or one that goes on with it. @throws as openSocket */
  open: (path: string, query: string, events: SocketEvents, signal: AbortSignal) => Promise<FrameSocket>;
  path: string;
  query: string;
  events: SocketEvents;
  /** True when a connection that could not be opened may have reached the core all the same. */
  wasBroken: (error: FsbError) => boolean;
  /** True when a next try to go on may do better. */
  mayComeBack: (error: FsbError) => boolean;
}

/** The client's end of a stream that outlives its connections: when one breaks, the next one goes on where it was. */
export class LinkedSocket implements FrameSocket {
  readonly #options: LinkedSocketOptions;
  readonly #key = unguessable(16).toString('base64url');
  readonly #link = new Link();
  readonly #stop = new AbortController();
  #current: FrameSocket | undefined;
  /** False from the break of a connection until the core has said on the next one what it has. */
  #ready = true;
  /** What it has said, while the connection is not at hand yet. */
  #said: number | undefined;
  #ended = false;

  private constructor(options: LinkedSocketOptions) {
    this.#options = options;
  }

  /** @throws as `open`; the signal's reason */
  static async open(options: LinkedSocketOptions, signal?: AbortSignal): Promise<LinkedSocket> {
    const linked = new LinkedSocket(options);
    const abort = (): void => linked.#stop.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      throwIfAborted(signal);
      await linked.#begin();
      return linked;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  send(frame: Buffer): void {
    if (this.#ended) return;
    const outgoing = this.#link.outgoing(frame);
    if (this.#ready) this.#current?.send(outgoing);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#current?.close();
  }

  destroy(): void {
    this.#stop.abort();
    this.#current?.destroy();
  }

  async #begin(): Promise<void> {
    const query = new URLSearchParams(this.#options.query);
    query.set('resume', this.#key);
    try {
      await this.#connect(this.#options.path, query.toString());
    } catch (thrown) {
      const error = FsbError.from(thrown);
      // The core may have begun although its answer did not come: a caller that tries again would do it twice. It may also
      // be about to see the request: that it does not know the stream yet says little.
      const mayComeBack = (next: FsbError): boolean => next.code === 'not_found' || this.#mayComeBack(next);
      const isThere = this.#options.wasBroken(error) && (await this.#goOn(FIRST_PAUSES, mayComeBack));
      if (!isThere) throw error;
    }
  }

  readonly #mayComeBack = (error: FsbError): boolean => this.#options.mayComeBack(error);

  async #connect(path: string, query: string): Promise<void> {
    const { signal } = this.#stop;
    this.#current = await this.#options.open(path, query, this.#listener(), signal);
    if (this.#said !== undefined) this.#continue(this.#said);
  }

  /** Hears of one connection. */
  #listener(): SocketEvents {
    let isOver = false;
    return {
      onFrame: (frame) => {
        if (!isOver) this.#receive(frame);
      },
      onEnd: (error, broken) => {
        if (isOver) return;
        isOver = true;
        void this.#lose(error, broken);
      },
    };
  }

  #receive(frame: Frame): void {
    if (frame.channel === channels.received) {
      this.#said = decodeReceived(frame.payload);
      if (this.#current !== undefined) this.#continue(this.#said);
      return;
    }
    // Nothing comes behind it: the connection may break now.
    if (frame.channel === channels.status) this.#ended = true;
    this.#options.events.onFrame(this.#link.incoming(frame));
  }

  /** Sends again what the core has not got. */
  #continue(received: number): void {
    this.#said = undefined;
    const frames = this.#link.again(received);
    this.#current?.send(this.#link.acknowledgement());
    for (const frame of frames) this.#current?.send(frame);
    this.#ready = true;
  }

  async #lose(error: FsbError, broken: boolean): Promise<void> {
    if (broken && !this.#ended && (await this.#goOn(PAUSES, this.#mayComeBack))) return;
    this.#ended = true;
    this.#options.events.onEnd(error, broken);
  }

  /** Whether there is a connection again. Never rejects. */
  async #goOn(pauses: number[], mayComeBack: (error: FsbError) => boolean): Promise<boolean> {
    this.#current = undefined;
    this.#ready = false;
    this.#said = undefined;
    const { signal } = this.#stop;
    for (const pause of pauses) {
      try {
        // A timer that keeps the process alive: nothing else does while there is no connection.
        await delay(pause, undefined, { signal });
        await this.#connect(`/api/v1/streams/${this.#key}`, `received=${this.#link.received}`);
        return true;
      } catch (thrown) {
        if (signal.aborted || !mayComeBack(FsbError.from(thrown))) return false;
      }
    }
    return false;
  }
}
