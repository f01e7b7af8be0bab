import type { Instance } from '../instance/instance.ts';
import type {
  OnEmpty,
  PoolEvent,
  PoolPolicy,
  PoolShapeStatus,
  PoolState,
  PoolTotals,
} from '../model/pool/pool.ts';
import type { Shape } from '../model/sandbox/shape.ts';

/**
 * What a pool needs to boot: resolves to an instance whose guest answered, or rejects having left nothing behind. The
 * warm-up command is the pool's affair. `lowUntil`: nobody waits for it until this fires; without it somebody does.
 */
export type BootInstance = (shape: Shape, signal: AbortSignal, lowUntil?: AbortSignal) => Promise<Instance>;

export interface ClaimRequest {
  shape: Shape;
  /** A reference that people know, for status and errors. */
  image: string;
  /** Overrides the policy's. */
  onEmpty?: OnEmpty;
  /** Milliseconds to wait for room at most; overrides the policy's queue.timeout. */
  timeout?: number;
  signal?: AbortSignal;
}

/** One use of one instance; the claim, not the instance, is what its holder owns and gives back, once. */
export interface Claim {
  /** In state claimed, and answering; suspended when its holder had it so in an earlier core. */
  readonly instance: Instance;
  readonly hit: boolean;
}

export interface ReleaseOptions {
  /** Destroy it, whatever the policy says. */
  destroy?: boolean;
}

/** An instance that the pool holds, with what the pool knows of it. */
export interface PooledInstance {
  instance: Instance;
  shape: string;
  image: string;
  /** Milliseconds for which it has been in its state. */
  age: number;
}

export interface WarmEntry {
  shape: Shape;
  image: string;
  count: number;
}

export interface Pool {
  /** As it is now; replaced by configure(). */
  readonly policy: PoolPolicy;
  readonly state: PoolState;
  readonly totals: PoolTotals;
  /** @throws no_capacity (full, queue full, deadline, on_empty fail), run_failed (boot), cancelled, unavailable (closed), conflict (drained) */
  claim(request: ClaimRequest): Promise<Claim>;
  /**
   * Ends a claim. One-shot: the instance is destroyed; sticky: it is scrubbed and becomes the last of the idle ones, or
   * is destroyed when that fails. Resolves when its slot is free, it is idle again, or the first try to destroy it
   * failed: it holds its room then, and is tried again.
   * @throws conflict when the claim is not the current one of its instance (given back twice, or never of this pool)
   */
  release(claim: Claim, options?: ReleaseOptions): Promise<void>;
  /**
   * The instance of a claim may use so many bytes from now on, and counts for them.
   * @param anyway it may already
   * @throws no_capacity when there is no room for that, conflict as release(); nothing has changed then
   */
  resize(claim: Claim, memory: number, anyway?: boolean): void;
  /**
   * Takes in an instance that lived before this core started: an idle one is kept if still wanted, else destroyed.
   * @param image a reference that people know; default: the digest
   * @param age milliseconds for which a claimed one has been so
   * @returns the claim of a claimed one, for whoever takes it up
   */
  adopt(instance: Instance, image?: string, age?: number): Claim | undefined;
  /** True from the end of its boot, or its adoption, until nothing is left of it. */
  holds(instanceId: string): boolean;
  /** Every instance that has booted and is not gone; oldest first. */
  instances(): PooledInstance[];
  /** Ids of instances that could not be destroyed yet: they hold their room, and are tried again. */
  stuck(): string[];
  /** Another policy for what lives and what will: budget, queue, sizes, ages. Claimed instances are never touched. */
  configure(policy: PoolPolicy): void;
  /** Which shapes to keep warm, and how many idle ones of each; wakes the refill. */
  keepWarm(entries: WarmEntry[]): void;
  /** Keeps nothing warm until start(); resolves when nothing idle and no boot that nobody waits for is left. Idempotent. */
  stop(): Promise<void>;
  /**
   * As stop(), and turns away who waits and who comes; resolves when no instance is left. Idempotent.
   * @param signal for who may leave before: it is drained all the same
   */
  drain(signal?: AbortSignal): Promise<void>;
  /** Active again. Idempotent. */
  start(): void;
  /** Closes every circuit breaker. */
  resetBreakers(): void;
  /** External pressure 0..1 for the autoscaler. */
  press(pressure: number): void;
  /**
   * Destroys the idle instances of an image and boots no more of it until somebody claims one; resolves when they are
   * gone. Claimed ones stay. @throws conflict when the image is among the warm entries
   */
  dropIdle(digest: string): Promise<void>;
  status(): PoolShapeStatus[];
  /** In order, never lost, never blocking; returns the way to stop. */
  onEvent(listener: (event: PoolEvent) => void): () => void;
  /** Stops accepting and booting, and destroys what is idle; bounded in time. What is claimed stays its holder's. Idempotent. */
  close(): Promise<void>;
}
