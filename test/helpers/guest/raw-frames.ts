/** The frames of guest/PROTOCOL.md as a test needs them: written on its own, so that it does not share a mistake with
 * the core's codec. */

export const type = {
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

export interface RawFrame {
  type: number;
  process: number;
  payload: Buffer;
}

export interface RawSpawn {
  argv: string[];
  env?: Record<string, string>;
  cwd?: string;
  user?: string;
  tty?: boolean;
  stdin?: boolean;
  discard?: boolean;
  times?: boolean;
  rows?: number;
  columns?: number;
  groups?: number[];
  limits?: { resource: number; soft: bigint; hard: bigint }[];
}

export interface RawExit {
  code: number | null;
  signal: number | null;
  coreDumped: boolean;
  stdoutTotal: number;
  stderrTotal: number;
  userMicroseconds: number;
  peakKiB: number;
}

export interface RawKnown {
  process: number;
  exited: boolean;
  tty: boolean;
  stdinOpen: boolean;
  pid: number;
  stdinReceived: number;
  stdout: { first: number; produced: number };
  stderr: { first: number; produced: number };
}

export const u8 = (value: number) => Buffer.from([value]);
export function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
export function u64(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
const text = (value: string) => Buffer.concat([u32(Buffer.byteLength(value)), Buffer.from(value)]);
const texts = (values: string[]) => Buffer.concat([u32(values.length), ...values.map(text)]);

export function encodeFrame(frameType: number, process: number, ...parts: Buffer[]): Buffer {
  const payload = Buffer.concat(parts);
  return Buffer.concat([u32(5 + payload.length), u8(frameType), u32(process), payload]);
}

export function encodeSpawn(process: number, spawn: RawSpawn): Buffer {
  const flags = (spawn.tty ? 1 : 0) | (spawn.stdin ? 2 : 0) | (spawn.discard ? 4 : 0) | (spawn.times ? 8 : 0);
  const groups = spawn.groups ?? [];
  const limits = spawn.limits ?? [];
  return encodeFrame(
    type.SPAWN,
    process,
    u32(flags),
    u16(spawn.rows ?? 0),
    u16(spawn.columns ?? 0),
    text(spawn.cwd ?? ''),
    text(spawn.user ?? ''),
    u16(groups.length),
    ...groups.map(u32),
    u16(limits.length),
    ...limits.flatMap((limit) => [u8(limit.resource), u64(limit.soft), u64(limit.hard)]),
    texts(spawn.argv),
    texts(Object.entries(spawn.env ?? { PATH: '/usr/bin:/bin' }).map(([key, value]) => `${key}=${value}`)),
  );
}

/** Takes whole frames off the front; the rest is returned. */
export function takeFrames(bytes: Buffer, onFrame: (frame: RawFrame) => void): Buffer {
  let rest = bytes;
  while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32LE(0)) {
    const end = 4 + rest.readUInt32LE(0);
    onFrame({ type: rest.readUInt8(4), process: rest.readUInt32LE(5), payload: rest.subarray(9, end) });
    rest = rest.subarray(end);
  }
  return rest;
}

export const offsetOf = (frame: RawFrame) => Number(frame.payload.readBigUInt64LE(0));

export function decodeExit({ payload }: RawFrame): RawExit {
  const signalled = payload.readUInt8(0) === 1;
  const value = payload.readUInt8(1);
  return {
    code: signalled ? null : value,
    signal: signalled ? value : null,
    coreDumped: payload.readUInt8(2) === 1,
    stdoutTotal: Number(payload.readBigUInt64LE(3)),
    stderrTotal: Number(payload.readBigUInt64LE(11)),
    userMicroseconds: Number(payload.readBigUInt64LE(19)),
    peakKiB: Number(payload.readBigUInt64LE(35)),
  };
}

export function decodeKnown({ process, payload }: RawFrame): RawKnown {
  const number = (at: number) => Number(payload.readBigUInt64LE(at));
  return {
    process,
    exited: payload.readUInt8(0) === 1,
    tty: (payload.readUInt8(1) & 1) !== 0,
    stdinOpen: (payload.readUInt8(1) & 2) !== 0,
    pid: payload.readInt32LE(2),
    stdinReceived: number(6),
    stdout: { first: number(14), produced: number(22) },
    stderr: { first: number(30), produced: number(38) },
  };
}

export function decodeFailure({ payload }: RawFrame): { stage: number; errno: number; message: string } {
  return {
    stage: payload.readUInt8(0),
    errno: payload.readInt32LE(1),
    message: payload.subarray(9).toString(),
  };
}

export function decodeError({ payload }: RawFrame): { code: number; message: string } {
  return { code: payload.readUInt16LE(0), message: payload.subarray(6).toString() };
}
