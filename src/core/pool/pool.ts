import type { Instance } from '../instance/instance.ts';
import type { OnEmpty, PoolEvent, PoolPolicy, PoolShapeStatus } from '../model/pool.ts';
import type { Shape } from '../model/shape.ts';

/** What a pool needs to boot: resolves to an idle instance, or rejects having left nothing behind. */
export type BootInstance = (shape: Shape, signal: AbortSignal) => Promise<Instance>;

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

export interface Claim {
  /** In state claimed, and answering. */
  instance: Instance;
  hit: boolean;
}

export interface Pool {
  readonly policy: PoolPolicy;
  /** @throws no_capacity (full, queue full, deadline, on_empty fail), run_failed (boot), cancelled, unavailable (closed) */
  claim(request: ClaimRequest): Promise<Claim>;
  /** Gives an instance back to be destroyed; resolves when the slot is free. Idempotent. */
  release(instance: Instance): Promise<void>;
  /** Takes in an instance that lived before this core started: idle ones are kept if still wanted, else destroyed. */
  adopt(instance: Instance): void;
  /** True from the end of its boot, or its adoption, until its teardown has ended, well or not. */
  holds(instanceId: string): boolean;
  /** Which shapes to keep warm, and how many idle ones of each; wakes the refill. */
  keepWarm(entries: { shape: Shape; image: string; count: number }[]): void;
  /** Destroys what is idle of this image, unless keepWarm wants it; nothing of it is booted before its next claim. */
  vacate(image: string): Promise<void>;
  status(): PoolShapeStatus[];
  /** In order, never lost, never blocking; returns the way to stop. */
  onEvent(listener: (event: PoolEvent) => void): () => void;
  /** Stops accepting and booting; `destroyIdle` also destroys what is idle. Idempotent. */
  close(options: { destroyIdle: boolean }): Promise<void>;
}
