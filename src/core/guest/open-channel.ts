import type { Clock } from '../model/clock.ts';
import { FsbError, throwIfAborted } from '../model/failure/errors.ts';
import { Channel } from './channel.ts';
import { GuestConnection } from './connection.ts';
import type { GuestChannel, OpenChannel } from './guest-channel.ts';
import { Handshake } from './handshake.ts';
import { PROTOCOL_VERSION } from './protocol/frames.ts';
import { ProtocolError, protocolErrors } from './protocol/protocol-error.ts';

/** A guest that speaks no other refuses every later one, instead of answering with its own. */
const FIRST_VERSION = 1;

/** The channel over a unix socket; it takes its deadlines from this clock. */
export const createOpenChannel =
  (clock: Clock): OpenChannel =>
  async (path, { timeoutMs, signal }) => {
    const shake = async (version: number): Promise<GuestChannel> => {
      throwIfAborted(signal);
      return shakeHands(clock, path, version, timeoutMs, signal);
    };
    return shake(PROTOCOL_VERSION).catch((error: Error) => {
      if (!isOfFirstVersion(error.cause)) throw error;
      return shake(FIRST_VERSION);
    });
  };

const isOfFirstVersion = (refusal: unknown): boolean =>
  refusal instanceof ProtocolError && refusal.protocolCode === protocolErrors.version;

function shakeHands(
  clock: Clock,
  path: string,
  version: number,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<GuestChannel> {
  return new Promise((resolve, reject) => {
    const handshake = new Handshake();
    const release = (): void => {
      stopTimer();
      signal?.removeEventListener('abort', onAbort);
    };
    const connection = new GuestConnection(path, {
      onFrame(frame) {
        const welcome = handshake.accept(frame);
        if (!welcome) return;
        // At once: the next frame of the same chunk is already for the channel.
        const channel = new Channel(connection, welcome, clock);
        release();
        resolve(channel);
      },
      onGone(reason) {
        release();
        reject(unreachable(path, reason));
      },
    });
    const onAbort = (): void => connection.fail(FsbError.from(signal?.reason));
    const stopTimer = clock.after(timeoutMs, () =>
      connection.fail(new Error(`no handshake within ${timeoutMs} ms`)),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    connection.send({ type: 'HELLO', process: 0, version, secret: Buffer.alloc(0) });
  });
}

function unreachable(path: string, reason: Error): FsbError {
  if (reason instanceof FsbError && reason.code !== 'run_failed') return reason;
  return new FsbError('run_failed', `cannot open the guest channel at ${path}: ${reason.message}`, {
    cause: reason,
  });
}
