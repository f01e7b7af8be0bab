import { FsbError } from '../../model/failure/errors.ts';
import type { Frame } from '../../wire/stream/frames.ts';

/** A core that does not answer a close is not waited for longer. */
export const CLOSE_TIMEOUT_MS = 1000;
/** A busy core answers late, but not as late as this. */
export const HANDSHAKE_TIMEOUT_MS = 30_000;

/** Pauses before what a core told is asked of the next one, milliseconds; what that tells starts them anew. */
export const RESUME_PAUSES = [50, 200, 500, 1000, 2000, 2000, 2000, 2000];

export interface SocketEvents {
  /** What it throws breaks the stream. */
  onFrame(frame: Frame): void;
  /** Once, last: why there will be no more frames. `broken`: nobody closed it. */
  onEnd(error: FsbError, broken: boolean): void;
}

/** The client's end of one stream. */
export interface FrameSocket {
  send(frame: Buffer): void;
  /** Orderly; resolves when the socket is gone. Idempotent. */
  close(): Promise<void>;
  /** At once; the core is told, if it can be. */
  destroy(): void;
}

export const brokenStream = (reason: string): FsbError =>
  new FsbError('unavailable', reason === '' ? 'the core ended, or the connection to it broke' : reason);
