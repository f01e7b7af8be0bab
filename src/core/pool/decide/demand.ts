import type { Room } from '../budget.ts';
import type { Passing } from './passing.ts';

/** What the sizing needs to know about one shape; instances are counted once, by their state. */
export interface ShapeDemand {
  key: string;
  /** Bytes of one instance. */
  memory: number;
  /** Without those that retire. */
  idle: number;
  /** Idle ones that are too old: as good as gone, but better than nothing until a younger one is there. */
  retiring: number;
  claimed: number;
  booting: number;
  stopping: number;
  /** Idle ones to keep, from the policy's warm entries. */
  warm: number;
  /** Somebody asked for this shape a short while ago. */
  recent: boolean;
  /** How many boots may be under way: unbounded, or what the circuit breaker lets through. */
  mayBoot: number;
  /** The same for boots that nobody waits for. */
  mayRefill: number;
  /** Claims that missed a short while ago, where the pool scales by demand; else 0. */
  misses: number;
}

export interface WaiterDemand extends Passing {
  key: string;
  /** false: waits for a warm instance, never causes a boot beyond what the shape keeps warm. */
  boots: boolean;
}

export interface SizingPolicy {
  min: number;
  bufferMin: number;
  bufferMax: number;
  bootConcurrency: number;
}

export interface SizingInput {
  policy: SizingPolicy;
  /** In the order in which they are refilled when all lack the same. */
  shapes: readonly ShapeDemand[];
  /** First come first. */
  waiters: readonly WaiterDemand[];
  /** What nothing holds now. May be negative after an adoption. */
  free: Room;
  /** Monotonic milliseconds. */
  now: number;
}

export interface SizingPlan {
  /** One entry for each boot to start now, in order. */
  boots: { key: string; refill: boolean }[];
  /** Idle instances that nobody wants any more, oldest first. */
  trims: { key: string; count: number }[];
  /** Idle instances that may stay until their ttl is over: nothing keeps them. */
  surplus: { key: string; count: number }[];
  /** Retiring instances that may go now, oldest first. */
  retires: { key: string; count: number }[];
  /** Boots that nobody wants any more, or that give way to those of waiters. */
  aborts: { key: string; count: number }[];
  /** Waiters (by index) that were passed by later ones, and how often. */
  overtaken: { index: number; times: number }[];
  /**
   * Bytes that each blocked waiter asks for, first come first; the room for them must come from evictions. Without those
   * behind a closed line: what they could make go is not theirs yet.
   */
  blocked: number[];
  /** Bytes of each one that is to be warm and has no room: it must come from what is idle beyond the warm counts. */
  lacking: number[];
  /** What the boots of this plan leave of the free room. */
  left: Room;
}

/** How many idle ones the pool keeps of a shape. */
export function idleTarget(shape: ShapeDemand, policy: SizingPolicy): number {
  return shape.warm + (shape.recent ? policy.bufferMin : 0);
}

/** How many idle ones of a shape may stay until their ttl is over. */
export function idleCeiling(shape: ShapeDemand, policy: SizingPolicy): number {
  return shape.warm + Math.max(policy.bufferMin, policy.bufferMax);
}
