import fc from 'fast-check';
import type { CoreFrame, GuestFrame } from '../../../src/core/guest/protocol/frames.ts';

/** Every frame that the protocol allows, at random. */

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const i32 = fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
const count = fc.maxSafeNat();
const process = fc.integer({ min: 1, max: 0xffff_ffff });
const pid = fc.integer({ min: 1, max: 0x7fff_ffff });
const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array));
const data = bytes(1, 300);
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map((raw) => raw.replaceAll('\0', ''));
const variable = fc.tuple(text, text).map(([key, value]) => `K${key.replaceAll('=', '')}=${value}`);
const channel = fc.constant(0 as const);
const type = <T extends string>(name: T): fc.Arbitrary<T> => fc.constant(name);

const limit = fc.record({ resource: u8, soft: u64, hard: u64 });

export const coreFrame: fc.Arbitrary<CoreFrame> = fc.oneof(
  fc.record({ type: type('HELLO'), process: channel, version: u16, secret: bytes(0, 64) }),
  fc.record({
    type: type('SPAWN'),
    process,
    tty: fc.boolean(),
    stdin: fc.boolean(),
    discardOutput: fc.boolean(),
    times: fc.boolean(),
    rows: u16,
    columns: u16,
    cwd: text,
    user: text,
    groups: fc.array(u32, { maxLength: 5 }),
    limits: fc.array(limit, { maxLength: 5 }),
    argv: fc.array(text, { minLength: 1, maxLength: 5 }),
    environment: fc.array(variable, { maxLength: 5 }),
  }),
  fc.record({ type: type('STDIN'), process, offset: count, data }),
  fc.record({ type: type('STDIN_EOF'), process, offset: count }),
  fc.record({ type: type('ACK'), process, stream: fc.constantFrom(1, 2), offset: count }),
  fc
    .record({ type: type('SIGNAL'), process, number: fc.integer({ min: 1, max: 64 }), scope: fc.nat(2) })
    .map((frame) => (frame.scope === 2 ? { ...frame, process: 0 } : frame)),
  fc.record({ type: type('RESIZE'), process, rows: u16, columns: u16 }),
  fc.record({ type: type('EXIT_ACK'), process }),
  fc.record({ type: type('PING'), process: channel, token: u64 }),
  fc.record({ type: type('RESUME'), process, stdout: count, stderr: count }),
);

const knownProcess = fc
  .record({
    type: type('PROCESS'),
    process,
    exited: fc.boolean(),
    tty: fc.boolean(),
    stdinOpen: fc.boolean(),
    pid,
    stdinReceived: count,
    stdoutFirst: count,
    stdoutProduced: count,
    stderrFirst: count,
    stderrProduced: count,
  })
  .filter((frame) => frame.stdoutFirst <= frame.stdoutProduced && frame.stderrFirst <= frame.stderrProduced);

const exit = fc
  .record({
    type: type('EXIT'),
    process,
    kind: fc.nat(1),
    value: u8,
    coreDumped: fc.boolean(),
    stdoutTotal: count,
    stderrTotal: count,
    userMicroseconds: count,
    systemMicroseconds: count,
    peakKiB: count,
  })
  .filter((frame) => frame.kind === 0 || (frame.value >= 1 && frame.value <= 64));

export const guestFrame: fc.Arbitrary<GuestFrame> = fc.oneof(
  fc.record({ type: type('WELCOME'), process: channel, version: u16, outputWindow: u32, inputWindow: u32 }),
  knownProcess,
  fc.record({ type: type('READY'), process: channel }),
  fc.record(
    {
      type: type('SPAWNED'),
      process,
      pid,
      times: fc.record({ open: u64, fork: u64, prepare: u64, execute: u64 }),
    },
    { requiredKeys: ['type', 'process', 'pid'] },
  ),
  fc.record({
    type: type('SPAWN_FAILED'),
    process,
    stage: fc.integer({ min: 1, max: 6 }),
    errno: i32,
    message: text,
  }),
  fc.record({ type: fc.constantFrom('STDOUT' as const, 'STDERR' as const), process, offset: count, data }),
  fc.record({ type: type('STDIN_ACK'), process, offset: count }),
  fc.record({ type: type('STDIN_CLOSED'), process }),
  exit,
  fc.record({ type: type('PONG'), process: channel, token: u64 }),
  fc.record({ type: type('ERROR'), process: channel, code: u16, message: text }),
);
