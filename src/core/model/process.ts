import { constants } from 'node:os';
import { didYouMean } from './failure/did-you-mean.ts';
import { FsbError } from './failure/errors.ts';

/** How to start one process inside an instance. All of it is given after boot, so none of it can cause a miss. */
export interface ProcessSpec {
  /** argv[0] is looked up on the PATH of `env` unless it has a slash. Never empty. */
  argv: string[];
  /** What errors call it. Default: argv[0]. */
  title?: string | undefined;
  /** The whole environment; nothing is inherited. HOME (of the guest's passwd) and HOSTNAME are added when absent. */
  env: Record<string, string>;
  /** Created if missing, owned by root. Empty: `/`. */
  cwd: string;
  /** `name`, `uid`, `name:group` or `uid:gid`, resolved inside the guest. Empty: root. */
  user: string;
  tty: boolean;
  /** False: stdin is /dev/null. */
  stdin: boolean;
  /** True: stdout and stderr are /dev/null (a detached exec). */
  discardOutput?: boolean;
  size?: TerminalSize;
}

/** 0 is "unknown". */
export interface TerminalSize {
  rows: number;
  cols: number;
}

/** Of a terminal that nobody looks at yet: programs lay out what they write for it all the same. */
export const USUAL_SIZE: TerminalSize = { rows: 24, cols: 80 };

/** @throws invalid_argument for what no terminal has */
export function assertTerminalSize({ rows, cols }: TerminalSize): void {
  for (const [value, what] of [[rows, 'rows'] as const, [cols, 'columns'] as const])
    if (!Number.isInteger(value) || value < 0 || value > 0xffff)
      throw new FsbError('invalid_argument', `a terminal cannot have ${value} ${what}`);
}

/** The truth about an ended process: exactly one of the two is not null. Never invented. */
export interface ExitStatus {
  /** 0..255 */
  code: number | null;
  /** Signal number, 1..64 */
  signal: number | null;
  /** The kernel killed it for memory. */
  oomKilled?: boolean;
}

export type StreamName = 'stdout' | 'stderr';

export interface OutputChunk {
  stream: StreamName;
  /** Position of the first byte in its stream since the process started. What is between two chunks is missing: the log has dropped it. */
  offset: number;
  /** May be empty where something is missing before it. */
  data: Buffer;
}

/** What somebody has of the output of a main process: another session goes on behind it. */
export interface MainPlace {
  sandboxId: string;
  /** Bytes of each stream since the process started. */
  stdout: number;
  stderr: number;
}

/** Where a session begins. */
export interface MainBegin extends MainPlace {
  /** False: whatever was or will be sent to it, it gets no more. */
  takesInput: boolean;
}

/**
 * A running process and its streams, as its caller holds it: the same in this process and over a wire.
 *
 * `output` may be iterated once; a chunk counts as consumed, and its credit goes back to the process, when the next
 * one is asked for. It ends when every byte written before the exit was delivered. `exited` settles with the true
 * status, or rejects with an FsbError (`run_failed`) when the truth is lost, never with an invented code.
 */
export interface ProcessSession extends AsyncDisposable {
  readonly output: AsyncIterable<OutputChunk>;
  readonly exited: Promise<ExitStatus>;
  /** Of a main process: where `output` begins. */
  readonly place?: MainBegin | undefined;
  /** There is no core that could pass on a signal, and one may come: then all goes on. */
  readonly isAway?: boolean;
  /** Resolves when there is room for more. Bytes for a process that closed its stdin are dropped silently. */
  write(data: Uint8Array): Promise<void>;
  /** Half-close: the process reads end-of-file. Idempotent. */
  endInput(): void;
  resize(size: TerminalSize): void;
  /** To the main process of a sandbox alone, as docker does it; of any other, to its whole process group. */
  signal(signal: number): void;
  /** Lets go of the streams; the process lives on (detach). Idempotent. */
  close(): Promise<void>;
}

/** What a shell would report: the code, or 128 + signal. */
export function exitCodeOf(status: ExitStatus): number {
  return status.signal === null ? (status.code ?? 0) : 128 + status.signal;
}

/** Its number. */
export const SIGKILL = 9;

const FIRST_REALTIME = 34;
const LAST_REALTIME = 64;

/** `SIGRTMIN+3` -> 37: what systemd wants to be stopped with. */
function realtimeSignal(name: string): number | undefined {
  const match = /^SIGRT(?:MIN(?:\+(\d{1,2}))?|MAX(?:-(\d{1,2}))?)$/.exec(name);
  if (match === null) return undefined;
  const number = name.startsWith('SIGRTMIN')
    ? FIRST_REALTIME + Number(match[1] ?? 0)
    : LAST_REALTIME - Number(match[2] ?? 0);
  return number >= FIRST_REALTIME && number <= LAST_REALTIME ? number : undefined;
}

/**
 * `TERM`, `SIGTERM`, `term`, `15` -> 15; `RTMIN+3` -> 37.
 * @throws invalid_argument
 */
export function parseSignal(text: string): number {
  const upper = text.toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const byName = Object.hasOwn(constants.signals, name)
    ? constants.signals[name as NodeJS.Signals]
    : realtimeSignal(name);
  const number = byName ?? (/^\d+$/.test(text) ? Number(text) : Number.NaN);
  if (Number.isInteger(number) && number >= 1 && number <= 64) return number;
  const names = Object.keys(constants.signals).map((known) => known.replace(/^SIG/, ''));
  const near = didYouMean(name.replace(/^SIG/, ''), names);
  throw new FsbError('invalid_argument', `unknown signal ${JSON.stringify(text)}`, {
    hint: `${near === undefined ? '' : `Did you mean ${like(text, near)}? `}Use a name like SIGTERM or a number from 1 to 64.`,
  });
}

/** The name as the text has it, with SIG or without. */
const like = (text: string, name: string): string => (/^sig/i.test(text) ? `SIG${name}` : name);

/** @throws invalid_argument for what is no number from 1 to 64 */
export function assertSignal(signal: number): void {
  if (!Number.isInteger(signal) || signal < 1 || signal > 64)
    throw new FsbError('invalid_argument', `there is no signal ${signal}`, {
      hint: 'Signals have the numbers 1 to 64.',
    });
}

/** 15 -> `SIGTERM`; a number without a name -> `signal 40`. */
export function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found ? found[0] : `signal ${number}`;
}
