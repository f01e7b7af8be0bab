import {
  type ExitFrame,
  frameTypes,
  type GuestFrame,
  LONGEST_DATA,
  type ProcessFrame,
  type SpawnedFrame,
} from './frames.ts';
import { FrameWriter, PayloadReader, textLength } from './payload.ts';
import { ProtocolError } from './protocol-error.ts';

/** What the guest sends. Decoding trusts nothing. */

const names = new Map<number, GuestFrame['type']>(
  Object.entries(frameTypes)
    .filter(([, number]) => number >= 0x80)
    .map(([name, number]) => [number, name as GuestFrame['type']]),
);

const EXITED = 1;
const TTY = 1;
const STDIN_OPEN = 2;

/** @throws ProtocolError for anything that guest/PROTOCOL.md does not allow */
export function decodeGuestFrame(type: number, process: number, payload: Buffer): GuestFrame {
  const name = names.get(type);
  if (!name) throw new ProtocolError('unknownType', `unknown frame type ${type} from the guest`);
  const reader = new PayloadReader(name, payload);
  const frame = readGuestFrame(name, process, reader);
  reader.end();
  const ofChannel = name === 'WELCOME' || name === 'READY' || name === 'PONG' || name === 'ERROR';
  reader.require((process === 0) === ofChannel, `process ${process}`);
  return frame;
}

function readGuestFrame(type: GuestFrame['type'], process: number, reader: PayloadReader): GuestFrame {
  switch (type) {
    case 'WELCOME':
      return {
        type,
        process: 0,
        version: reader.u16(),
        outputWindow: reader.u32(),
        inputWindow: reader.u32(),
      };
    case 'PROCESS':
      return readProcess(process, reader);
    case 'READY':
      return { type, process: 0 };
    case 'SPAWNED':
      return readSpawned(process, reader);
    case 'SPAWN_FAILED': {
      const stage = reader.u8();
      reader.require(stage >= 1 && stage <= 6, `stage ${stage}`);
      return { type, process, stage, errno: reader.i32(), message: reader.text() };
    }
    case 'STDOUT':
    case 'STDERR': {
      const offset = reader.count();
      const data = reader.rest();
      reader.require(data.length > 0 && data.length <= LONGEST_DATA, `${data.length} bytes of data`);
      return { type, process, offset, data };
    }
    case 'STDIN_ACK':
      return { type, process, offset: reader.count() };
    case 'STDIN_CLOSED':
      return { type, process };
    case 'EXIT':
      return readExit(process, reader);
    case 'PONG':
      return { type, process: 0, token: reader.u64() };
    case 'ERROR':
      return { type, process: 0, code: reader.u16(), message: reader.text() };
  }
}

function readPid(reader: PayloadReader): number {
  const pid = reader.i32();
  reader.require(pid > 0, `pid ${pid}`);
  return pid;
}

function readSpawned(process: number, reader: PayloadReader): SpawnedFrame {
  const frame: SpawnedFrame = { type: 'SPAWNED', process, pid: readPid(reader) };
  if (reader.left === 0) return frame;
  const [open, fork, prepare, execute] = [reader.u64(), reader.u64(), reader.u64(), reader.u64()];
  return { ...frame, times: { open, fork, prepare, execute } };
}

function readProcess(process: number, reader: PayloadReader): ProcessFrame {
  const exited = reader.flag();
  const flags = reader.u8();
  reader.require(flags <= (TTY | STDIN_OPEN), `unknown flags ${flags}`);
  const frame: ProcessFrame = {
    type: 'PROCESS',
    process,
    exited,
    tty: (flags & TTY) !== 0,
    stdinOpen: (flags & STDIN_OPEN) !== 0,
    pid: readPid(reader),
    stdinReceived: reader.count(),
    stdoutFirst: reader.count(),
    stdoutProduced: reader.count(),
    stderrFirst: reader.count(),
    stderrProduced: reader.count(),
  };
  reader.require(frame.stdoutFirst <= frame.stdoutProduced, 'stdout is retained beyond its end');
  reader.require(frame.stderrFirst <= frame.stderrProduced, 'stderr is retained beyond its end');
  return frame;
}

function readExit(process: number, reader: PayloadReader): ExitFrame {
  const [kind, value] = [reader.u8(), reader.u8()];
  reader.require(kind <= 1, `kind ${kind}`);
  reader.require(kind === 0 || (value >= 1 && value <= 64), `signal ${value}`);
  return {
    type: 'EXIT',
    process,
    kind,
    value,
    coreDumped: reader.flag(),
    stdoutTotal: reader.count(),
    stderrTotal: reader.count(),
    userMicroseconds: reader.count(),
    systemMicroseconds: reader.count(),
    peakKiB: reader.count(),
  };
}

/** The guest's part, for a stand-in of the guest. */
export function encodeGuestFrame(frame: GuestFrame): Buffer {
  const writer = (payloadLength: number) => new FrameWriter(frame.type, frame.process, payloadLength);
  switch (frame.type) {
    case 'WELCOME':
      return writer(10).u16(frame.version).u32(frame.outputWindow).u32(frame.inputWindow).bytes;
    case 'PROCESS':
      return encodeProcess(frame);
    case 'SPAWNED':
      return encodeSpawned(frame);
    case 'SPAWN_FAILED': {
      const message = Buffer.from(frame.message);
      return writer(5 + textLength(message))
        .u8(frame.stage)
        .i32(frame.errno)
        .text(message).bytes;
    }
    case 'STDOUT':
    case 'STDERR':
      return writer(8 + frame.data.length)
        .count(frame.offset)
        .raw(frame.data).bytes;
    case 'STDIN_ACK':
      return writer(8).count(frame.offset).bytes;
    case 'READY':
    case 'STDIN_CLOSED':
      return writer(0).bytes;
    case 'EXIT':
      return encodeExit(frame);
    case 'PONG':
      return writer(8).u64(frame.token).bytes;
    case 'ERROR': {
      const message = Buffer.from(frame.message);
      return writer(2 + textLength(message))
        .u16(frame.code)
        .text(message).bytes;
    }
  }
}

function encodeSpawned({ process, pid, times }: SpawnedFrame): Buffer {
  const writer = new FrameWriter('SPAWNED', process, times ? 36 : 4).i32(pid);
  if (times) writer.u64(times.open).u64(times.fork).u64(times.prepare).u64(times.execute);
  return writer.bytes;
}

function encodeProcess(frame: ProcessFrame): Buffer {
  const flags = (frame.tty ? TTY : 0) | (frame.stdinOpen ? STDIN_OPEN : 0);
  const writer = new FrameWriter('PROCESS', frame.process, 46).u8(frame.exited ? EXITED : 0).u8(flags);
  writer.i32(frame.pid).count(frame.stdinReceived);
  writer.count(frame.stdoutFirst).count(frame.stdoutProduced);
  return writer.count(frame.stderrFirst).count(frame.stderrProduced).bytes;
}

function encodeExit(frame: ExitFrame): Buffer {
  const writer = new FrameWriter('EXIT', frame.process, 43);
  writer
    .u8(frame.kind)
    .u8(frame.value)
    .u8(frame.coreDumped ? 1 : 0);
  writer.count(frame.stdoutTotal).count(frame.stderrTotal);
  return writer.count(frame.userMicroseconds).count(frame.systemMicroseconds).count(frame.peakKiB).bytes;
}
