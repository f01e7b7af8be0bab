import type { PoolEvent } from './pool/pool.ts';
import type { SandboxRef } from './sandbox/sandbox.ts';

/** The sandbox of an event, as it was right after it. */
export interface EventSandbox extends SandboxRef {
  id: string;
  image: string;
  labels: Record<string, string>;
}

/**
 * What happened to a sandbox. A start again is `started`; `stopped`, `restarted` and `reset` come when what somebody asked
 * for is done, behind the steps that it took; so does `recreated`, for which nobody asked.
 */
export type SandboxEvent =
  | { type: 'created' | 'started' | 'paused' | 'unpaused' }
  | { type: 'stopped' | 'restarted' | 'reset' | 'recreated' | 'expired' | 'updated' | 'deleted' }
  /** The main process has ended: with a code, or by a signal (`SIGTERM`) and the code that a shell gives it. */
  | { type: 'exited'; code: number; signal?: string }
  | { type: 'failed'; reason: string }
  /** `recreateAt`: when it will be, milliseconds since the epoch. */
  | { type: 'lost'; reason: string; recreateAt?: number }
  /** A signal was sent to the main process. */
  | { type: 'killed'; signal: string }
  /** `from` is the name that it had. */
  | { type: 'renamed'; from: string }
  /** It changed in a way that has no name outside: no event, and told to those alone who follow the sandboxes. */
  | { type: 'step' };

/** The image of an event. */
export interface EventImage {
  /** Empty where it was no single image. */
  digest: string;
  /** Canonical references that it is about; none for an image without a name. */
  names: string[];
}

export type ImageEvent =
  | { type: 'pulled' | 'imported' | 'tagged' | 'untagged' }
  /** `freed`: bytes. */
  | { type: 'removed' | 'pruned'; freed: number };

export const EVENT_KINDS = ['pool', 'sandbox', 'image'] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** What happened, and to what. */
export type Happening =
  | { pool: string; sandbox?: undefined; image?: undefined; event: PoolEvent }
  | { sandbox: EventSandbox; pool?: undefined; image?: undefined; event: SandboxEvent }
  | { image: EventImage; pool?: undefined; sandbox?: undefined; event: ImageEvent };

export const kindOf = ({ pool, sandbox }: Happening): EventKind =>
  pool !== undefined ? 'pool' : sandbox !== undefined ? 'sandbox' : 'image';

export const isStep = ({ event }: Happening): boolean => event.type === 'step';

/** One entry of the event stream of a core. */
export type CoreEvent = Happening & {
  /** 1 for the first since the core started, then without a gap, whatever it is about. */
  seq: number;
  /** Milliseconds since the epoch. */
  time: number;
};

/** Which events somebody wants to read. */
export interface EventQuery {
  /** Events after this one; left out: only new ones, or all that are remembered when those are not followed. */
  after?: number;
  /** Without `after`: those that are remembered since this time, milliseconds since the epoch. */
  since?: number;
  /** Of this pool only. */
  pool?: string;
  /** Only of these kinds; left out: of all. */
  kinds?: readonly EventKind[];
  /** False: ends after the newest event there was at the call. Default: true. */
  follow?: boolean;
}
