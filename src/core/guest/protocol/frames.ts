/** The frames of guest/PROTOCOL.md as values. Integers of 64 bits that count bytes or time are safe integers. */

/** What the core speaks; a guest of an earlier one answers with that. */
export const PROTOCOL_VERSION = 2;
/** From this one on a guest tells times when it is asked to. */
export const VERSION_WITH_TIMES = 2;
/** Bytes of the length field, the type and the process id. */
export const HEADER_LENGTH = 9;
/** Longest `length` field: bytes after the length field itself. */
export const LONGEST_FROM_CORE = 1024 * 1024;
export const LONGEST_FROM_GUEST = 128 * 1024;
/** Most bytes in one STDIN, STDOUT or STDERR frame. */
export const LONGEST_DATA = 65_536;

export const frameTypes = {
  HELLO: 0x01,
  SPAWN: 0x02,
  STDIN: 0x03,
  STDIN_EOF: 0x04,
  ACK: 0x05,
  SIGNAL: 0x06,
  RESIZE: 0x07,
  EXIT_ACK: 0x08,
  PING: 0x09,
  RESUME: 0x0a,
  WELCOME: 0x81,
  PROCESS: 0x82,
  READY: 0x83,
  SPAWNED: 0x84,
  SPAWN_FAILED: 0x85,
  STDOUT: 0x86,
  STDERR: 0x87,
  STDIN_ACK: 0x88,
  STDIN_CLOSED: 0x89,
  EXIT: 0x8a,
  PONG: 0x8b,
  ERROR: 0x8f,
} as const;

/** Who gets a signal. */
export const signalScopes = { process: 0, group: 1, everyone: 2 } as const;

interface ResourceLimit {
  /** RLIMIT_* of Linux. */
  resource: number;
  soft: bigint;
  hard: bigint;
}

export interface SpawnFrame {
  type: 'SPAWN';
  process: number;
  tty: boolean;
  stdin: boolean;
  discardOutput: boolean;
  /** The guest is to tell how long each of its steps takes. */
  times: boolean;
  rows: number;
  columns: number;
  cwd: string;
  user: string;
  groups: number[];
  limits: ResourceLimit[];
  argv: string[];
  /** `K=V` */
  environment: string[];
}

export type CoreFrame =
  | { type: 'HELLO'; process: 0; version: number; secret: Buffer }
  | SpawnFrame
  | { type: 'STDIN'; process: number; offset: number; data: Uint8Array }
  | { type: 'STDIN_EOF'; process: number; offset: number }
  | { type: 'ACK'; process: number; stream: number; offset: number }
  | { type: 'SIGNAL'; process: number; number: number; scope: number }
  | { type: 'RESIZE'; process: number; rows: number; columns: number }
  | { type: 'EXIT_ACK'; process: number }
  | { type: 'PING'; process: 0; token: bigint }
  | { type: 'RESUME'; process: number; stdout: number; stderr: number };

export interface ProcessFrame {
  type: 'PROCESS';
  process: number;
  exited: boolean;
  tty: boolean;
  stdinOpen: boolean;
  pid: number;
  stdinReceived: number;
  stdoutFirst: number;
  stdoutProduced: number;
  stderrFirst: number;
  stderrProduced: number;
}

export interface SpawnFailedFrame {
  type: 'SPAWN_FAILED';
  process: number;
  stage: number;
  errno: number;
  message: string;
}

/** Nanoseconds that each step of the guest took, in this order, as it says: any number. */
export interface SpawnTimes {
  /** Its pipes or its pty. */
  open: bigint;
  /** Until the child ran. */
  fork: bigint;
  /** User, directory and limits, in the child. */
  prepare: bigint;
  /** Until the guest saw that the program was executed. */
  execute: bigint;
}

export interface SpawnedFrame {
  type: 'SPAWNED';
  process: number;
  pid: number;
  times?: SpawnTimes;
}

interface OutputFrame {
  type: 'STDOUT' | 'STDERR';
  process: number;
  offset: number;
  data: Buffer;
}

export interface ExitFrame {
  type: 'EXIT';
  process: number;
  /** 0 exited, 1 signalled */
  kind: number;
  /** Code or signal number. */
  value: number;
  coreDumped: boolean;
  stdoutTotal: number;
  stderrTotal: number;
  userMicroseconds: number;
  systemMicroseconds: number;
  peakKiB: number;
}

export type GuestFrame =
  | { type: 'WELCOME'; process: 0; version: number; outputWindow: number; inputWindow: number }
  | ProcessFrame
  | { type: 'READY'; process: 0 }
  | SpawnedFrame
  | SpawnFailedFrame
  | OutputFrame
  | { type: 'STDIN_ACK'; process: number; offset: number }
  | { type: 'STDIN_CLOSED'; process: number }
  | ExitFrame
  | { type: 'PONG'; process: 0; token: bigint }
  | { type: 'ERROR'; process: 0; code: number; message: string };
