import type { GuestChannel } from '../guest/guest-channel.ts';
import type { Resources, Shape } from '../model/sandbox/shape.ts';
import type { InstanceStats } from '../runtime/driver.ts';

/**
 *     booting -> idle -> claimed -> stopping -> dead
 *                idle <-> paused -> claimed <-> suspended
 *                idle <- claimed: recycled
 *     every state but dead -> stopping
 */
export type InstanceState = 'booting' | 'idle' | 'paused' | 'claimed' | 'suspended' | 'stopping' | 'dead';

/** One booted sandbox: the driver, the channel and the state machine of one instance behind one safe wrapper. */
export interface Instance {
  readonly id: string;
  readonly shape: Shape;
  readonly state: InstanceState;
  readonly channel: GuestChannel;
  readonly channelPath: string;
  readonly pid: number;
  readonly pidStartTime: number;
  /** Settles once, when it is no longer usable, with the first cause. The instance is not yet destroyed then. */
  readonly failed: Promise<Error>;
  /** The same by a call, in a later step; it costs less than a promise. */
  onFailed(listener: (cause: Error) => void): void;
  /** idle|paused -> claimed, resuming first if needed. */
  claim(): Promise<void>;
  /**
   * claimed -> idle: SIGKILL to everything in it, and proof that nothing but its PID 1 is left. Files stay as they are.
   * @throws run_failed; it is destroyed then
   */
  recycle(): Promise<void>;
  /**
   * idle -> paused. A failure leaves it in an unknown state: it is of no use to anybody, and destroyed.
   * Idempotent. @throws run_failed
   */
  pause(): Promise<void>;
  /** paused -> idle; as pause. */
  resume(): Promise<void>;
  /** claimed -> suspended: frozen in the middle of its work. A failure leaves it running. Idempotent. @throws run_failed */
  suspend(): Promise<void>;
  /** suspended -> claimed. A failure leaves it frozen. Idempotent. @throws run_failed */
  wake(): Promise<void>;
  /** New limits. @throws run_failed */
  update(resources: Resources): Promise<void>;
  stats(): Promise<InstanceStats>;
  /** SIGKILL to all; resolves when no process is left. Idempotent. */
  kill(): Promise<void>;
  /**
   * To `dead`, with nothing left on the node. Idempotent: every caller gets the same promise. After a failure it is still
   * `stopping`, and the next call tries again.
   */
  destroy(cause: string): Promise<void>;
  /** Lets go of the channel, leaves the instance running (the core stops). Idempotent. */
  detach(): Promise<void>;
}
