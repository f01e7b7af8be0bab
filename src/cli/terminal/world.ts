import type { CoreApi } from '../../core/api/core-api.ts';
import type { Clock } from '../../core/model/clock.ts';

/** What the command line reads from; `process.stdin` is one. */
export interface TerminalInput extends NodeJS.ReadableStream {
  /** Of the process itself. */
  fd?: number;
  isTTY?: boolean;
  isRaw?: boolean;
  setRawMode?(raw: boolean): unknown;
}

/** What the command line writes to; `process.stdout` is one. */
export interface TerminalOutput extends NodeJS.WritableStream {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  /** Bytes that the reader has not taken yet. */
  readonly writableLength?: number;
}

export interface Terminal {
  stdin: TerminalInput;
  /** Carries the result only. */
  stdout: TerminalOutput;
  /** Progress, questions, warnings, errors. */
  stderr: TerminalOutput;
}

/** The events of the process itself: signals, and `exit` for what must be undone even in a crash. */
export interface ProcessEvents {
  on(event: NodeJS.Signals | 'exit', listener: () => void): unknown;
  off(event: NodeJS.Signals | 'exit', listener: () => void): unknown;
}

/** With what a core is reached over TLS; files by absolute path, and never what is in them. */
export interface TlsFiles {
  /** Authorities that its certificate may be from. */
  ca?: string;
  /** Our own certificate, and its key. */
  cert?: string;
  key?: string;
  token_file?: string;
  /** Name that its certificate is for, where that is not the host of the endpoint. */
  server_name?: string;
}

export interface ConnectOptions {
  /** Undefined: the local core. */
  endpoint?: string | undefined;
  /** With which files it is reached, if it has TLS. */
  tls?: TlsFiles | undefined;
  /** Start the local core when it does not run. */
  start: boolean;
  /** For what people are to know of the way there. */
  say(text: string): unknown;
}

/** Everything outside of a command; tests hand in their own. */
export interface World {
  terminal: Terminal;
  env: Record<string, string | undefined>;
  /** Absolute. */
  cwd: string;
  clock: Clock;
  events: ProcessEvents;
  /** Ends the process at once, for a user who insists. */
  forceExit(code: number): void;
  /** @param signal ends what it waits for */
  connect(options: ConnectOptions, signal: AbortSignal): Promise<CoreApi>;
  /** Version of the command line. */
  version: string;
}

/** Questions may be asked: somebody can read them and answer. */
export const isInteractive = (terminal: Terminal): boolean =>
  terminal.stdin.isTTY === true && terminal.stderr.isTTY === true;

/** What stands there can be drawn over: on a terminal that knows how. */
export const canRedraw = (stream: TerminalOutput, env: World['env']): boolean =>
  stream.isTTY === true && env.TERM !== 'dumb';
