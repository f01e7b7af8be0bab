import { channels, type Frame, LARGEST_OUTPUT_WINDOW, malformed, readCount } from './frames.ts';
import { KeptFrames } from './kept-frames.ts';

/** Bytes of frames: whoever says that it consumed more than this of what it says that it did not receive, lies. */
const MOST_KEPT = 2 * LARGEST_OUTPUT_WINDOW;

/**
 * One end of a stream that outlives its connections. Both ends number the frames that they send, all but
 * acknowledgements, and keep them until the other one has said that it received them: so a new connection goes on where
 * the old one broke, whatever was on its way, and nothing is missed or doubled. Acknowledgements tell the received count
 * behind what they tell otherwise: u64 consumed, u64 received.
 */
export class Link {
  /** Those that the other end may not have. */
  readonly #kept: KeptFrames;
  /** How many frames the other end has for certain. */
  #delivered = 0;
  #received = 0;
  #consumed = 0;

  /** @param onTaken told how many bytes of memory what it keeps takes more, or less */
  constructor(onTaken?: (bytes: number) => void) {
    this.#kept = new KeptFrames(onTaken);
  }

  /** Frames of the other end that came. */
  get received(): number {
    return this.#received;
  }

  /** Everything that was sent has arrived. */
  get isSettled(): boolean {
    return this.#kept.length === 0;
  }

  /** The frame as it goes over a connection; also to be called when there is none at the moment. */
  outgoing(frame: Buffer): Buffer {
    if (frame[0] === channels.ack) {
      this.#consumed = readCount(frame.subarray(1), 0, 8);
      return this.acknowledgement();
    }
    this.#kept.push(frame);
    return frame;
  }

  /** Tells the other end what came, so that it need not keep it. */
  acknowledgement(): Buffer {
    const frame = Buffer.alloc(17);
    frame[0] = channels.ack;
    frame.writeBigUInt64BE(BigInt(this.#consumed), 1);
    frame.writeBigUInt64BE(BigInt(this.#received), 9);
    return frame;
  }

  /** The frame as it is meant for those above. @throws invalid_argument */
  incoming(frame: Frame): Frame {
    if (frame.channel !== channels.ack) {
      this.#received += 1;
      return frame;
    }
    this.#forget(readCount(frame.payload, 8, 16));
    if (this.#kept.bytes > MOST_KEPT)
      throw malformed('acknowledgements that do not tell which frames it received');
    return { channel: channels.ack, payload: frame.payload.subarray(0, 8) };
  }

  /**
   * What goes over a new connection, behind an acknowledgement, when the other end has said how many frames it received:
   * all that it lacks, also what comes to that while it is walked.
   * @throws invalid_argument when that cannot be
   */
  again(received: number): Iterable<Buffer> {
    this.#forget(received);
    return this.#kept;
  }

  /** Nobody will ask for anything again. */
  end(): void {
    this.#kept.drop(this.#kept.length);
  }

  #forget(delivered: number): void {
    if (delivered > this.#delivered + this.#kept.length)
      throw malformed('a count of frames that were never sent');
    if (delivered <= this.#delivered) return;
    this.#kept.drop(delivered - this.#delivered);
    this.#delivered = delivered;
  }
}
