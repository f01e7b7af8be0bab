import { type CoreFrame, frameTypes, LONGEST_DATA, type SpawnFrame } from './frames.ts';
import { FrameWriter, PayloadReader, textLength } from './payload.ts';
import { ProtocolError } from './protocol-error.ts';

/** What the core sends. Encoding trusts its input: the channel has checked it. */

const TTY = 1;
const STDIN = 2;
const DISCARD_OUTPUT = 4;
const TIMES = 8;
const LONGEST_SECRET = 64;

export function encodeCoreFrame(frame: CoreFrame): Buffer {
  const writer = (payloadLength: number) => new FrameWriter(frame.type, frame.process, payloadLength);
  switch (frame.type) {
    case 'HELLO':
      return writer(3 + frame.secret.length)
        .u16(frame.version)
        .u8(frame.secret.length)
        .raw(frame.secret).bytes;
    case 'SPAWN':
      return encodeSpawn(frame);
    case 'STDIN':
      return writer(8 + frame.data.length)
        .count(frame.offset)
        .raw(frame.data).bytes;
    case 'STDIN_EOF':
      return writer(8).count(frame.offset).bytes;
    case 'ACK':
      return writer(9).u8(frame.stream).count(frame.offset).bytes;
    case 'SIGNAL':
      return writer(2).u8(frame.number).u8(frame.scope).bytes;
    case 'RESIZE':
      return writer(4).u16(frame.rows).u16(frame.columns).bytes;
    case 'EXIT_ACK':
      return writer(0).bytes;
    case 'PING':
      return writer(8).u64(frame.token).bytes;
    case 'RESUME':
      return writer(16).count(frame.stdout).count(frame.stderr).bytes;
  }
}

function encodeSpawn(frame: SpawnFrame): Buffer {
  const texts = (list: string[]): Buffer[] => list.map((text) => Buffer.from(text));
  const [cwd, user] = [Buffer.from(frame.cwd), Buffer.from(frame.user)];
  const [argv, environment] = [texts(frame.argv), texts(frame.environment)];
  const length = [cwd, user, ...argv, ...environment].reduce((sum, text) => sum + textLength(text), 0);
  const fixed = 4 + 2 + 2 + 2 + 2 + 4 + 4;
  const payload = fixed + length + frame.groups.length * 4 + frame.limits.length * 17;
  const flags =
    (frame.tty ? TTY : 0) |
    (frame.stdin ? STDIN : 0) |
    (frame.discardOutput ? DISCARD_OUTPUT : 0) |
    (frame.times ? TIMES : 0);
  const writer = new FrameWriter('SPAWN', frame.process, payload);
  writer.u32(flags).u16(frame.rows).u16(frame.columns).text(cwd).text(user);
  writer.u16(frame.groups.length);
  for (const group of frame.groups) writer.u32(group);
  writer.u16(frame.limits.length);
  for (const { resource, soft, hard } of frame.limits) writer.u8(resource).u64(soft).u64(hard);
  writer.u32(argv.length);
  for (const text of argv) writer.text(text);
  writer.u32(environment.length);
  for (const text of environment) writer.text(text);
  return writer.bytes;
}

const names = new Map<number, CoreFrame['type']>(
  Object.entries(frameTypes)
    .filter(([, number]) => number < 0x80)
    .map(([name, number]) => [number, name as CoreFrame['type']]),
);

/** The guest's view of a frame: what a stand-in for the guest needs. @throws ProtocolError */
export function decodeCoreFrame(type: number, process: number, payload: Buffer): CoreFrame {
  const name = names.get(type);
  if (!name) throw new ProtocolError('unknownType', `unknown frame type ${type} from the core`);
  const reader = new PayloadReader(name, payload);
  const frame = readCoreFrame(name, process, reader);
  reader.end();
  const ofChannel =
    frame.type === 'HELLO' || frame.type === 'PING' || (frame.type === 'SIGNAL' && frame.scope === 2);
  reader.require((process === 0) === ofChannel, `process ${process}`);
  return frame;
}

function readCoreFrame(type: CoreFrame['type'], process: number, reader: PayloadReader): CoreFrame {
  switch (type) {
    case 'HELLO': {
      const version = reader.u16();
      const length = reader.u8();
      reader.require(length <= LONGEST_SECRET, 'the secret is too long');
      return { type, process: 0, version, secret: reader.bytes(length) };
    }
    case 'SPAWN':
      return readSpawn(process, reader);
    case 'STDIN': {
      const offset = reader.count();
      const data = reader.rest();
      reader.require(data.length > 0 && data.length <= LONGEST_DATA, `${data.length} bytes of data`);
      return { type, process, offset, data };
    }
    case 'STDIN_EOF':
      return { type, process, offset: reader.count() };
    case 'ACK': {
      const stream = reader.u8();
      reader.require(stream === 1 || stream === 2, `stream ${stream}`);
      return { type, process, stream, offset: reader.count() };
    }
    case 'SIGNAL': {
      const [number, scope] = [reader.u8(), reader.u8()];
      reader.require(number >= 1 && number <= 64 && scope <= 2, `signal ${number} with scope ${scope}`);
      return { type, process, number, scope };
    }
    case 'RESIZE':
      return { type, process, rows: reader.u16(), columns: reader.u16() };
    case 'EXIT_ACK':
      return { type, process };
    case 'PING':
      return { type, process: 0, token: reader.u64() };
    case 'RESUME':
      return { type, process, stdout: reader.count(), stderr: reader.count() };
  }
}

function readSpawn(process: number, reader: PayloadReader): SpawnFrame {
  const flags = reader.u32();
  reader.require(flags <= (TTY | STDIN | DISCARD_OUTPUT | TIMES), `unknown flags ${flags}`);
  const frame: SpawnFrame = {
    type: 'SPAWN',
    process,
    tty: (flags & TTY) !== 0,
    stdin: (flags & STDIN) !== 0,
    discardOutput: (flags & DISCARD_OUTPUT) !== 0,
    times: (flags & TIMES) !== 0,
    rows: reader.u16(),
    columns: reader.u16(),
    cwd: reader.text(),
    user: reader.text(),
    groups: reader.list(reader.u16(), 4, () => reader.u32()),
    limits: reader.list(reader.u16(), 17, () => ({
      resource: reader.u8(),
      soft: reader.u64(),
      hard: reader.u64(),
    })),
    argv: reader.list(reader.u32(), 4, () => reader.text()),
    environment: reader.list(reader.u32(), 4, () => reader.text()),
  };
  reader.require(frame.argv.length > 0, 'there is no command');
  reader.require(
    frame.environment.every((entry) => entry.indexOf('=') > 0),
    'a variable has no name or no value',
  );
  return frame;
}
