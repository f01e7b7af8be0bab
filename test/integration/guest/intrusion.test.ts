import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import vectors from '../../../guest/vectors.json' with { type: 'json' };
import { RawCore } from '../../helpers/core/raw-core.ts';
import { decodeError, encodeFrame, encodeSpawn, type, u8, u16, u64 } from '../../helpers/guest/raw-frames.ts';
import { RawGuest, variants } from '../../helpers/guest/raw-guest.ts';

const hello = encodeFrame(type.HELLO, 0, u16(1), u8(0));

/** Not random from run to run, so that a failure can be repeated. */
function* pseudoRandom(seed: number): Generator<number> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    yield state >>> 8;
  }
}

describe.each(variants)('hostile peers (%s)', (variant) => {
  let guest: RawGuest;
  let keeper: number;
  beforeAll(async () => {
    guest = await RawGuest.start(variant);
    const core = await guest.connect();
    keeper = (await core.spawn({ argv: ['sleep', '1000'], stdin: true }, 5)).pid;
    await core.close();
  });
  afterAll(async () => {
    expect(await guest.stop()).toEqual({ lived: true, stderr: '' });
  });

  /** Whatever happened: the guest answers, and its process lives. */
  async function stillWell(): Promise<void> {
    const core = await guest.connect();
    expect(core.known).toMatchObject([{ process: 5, pid: keeper, exited: false }]);
    await core.close();
  }

  it('refuses a peer from inside', async () => {
    const core = await guest.connect();
    const script = `const s=require('net').connect(${JSON.stringify(guest.socketPath)});let got=0;
      s.on('connect',()=>s.write(Buffer.from('${hello.toString('hex')}','hex')));s.on('error',()=>{});
      s.on('data',(d)=>{got+=d.length});s.on('close',()=>console.log('closed after',got))`;
    const result = await core.run({ argv: [process.execPath, '-e', script] });
    expect(result.stdout).toBe('closed after 0\n');
    await core.close();
    await stillWell();
  });

  it.each(vectors.invalid.filter((vector) => vector.from === 'core'))(
    '$name',
    async ({ hex, tail, code }) => {
      const core = await guest.connect();
      const bytes = [Buffer.from(hex, 'hex')];
      if (tail) bytes.push(Buffer.alloc(tail.count, Number.parseInt(tail.byte, 16)));
      core.send(Buffer.concat(bytes));
      expect(decodeError(await core.frame(type.ERROR)).code).toBe(code);
      await core.closed;
      await stillWell();
    },
  );

  it.each([
    ['HELLO twice', hello, 4],
    ['stdin with a gap', encodeFrame(type.STDIN, 5, u64(1), u8(1)), 9],
    ['end of stdin elsewhere', encodeFrame(type.STDIN_EOF, 5, u64(1)), 9],
    ['RESUME of an unknown process', encodeFrame(type.RESUME, 6, u64(0), u64(0)), 7],
    ['RESUME beyond what was produced', encodeFrame(type.RESUME, 5, u64(0), u64(1)), 9],
    ['RESUME far beyond', encodeFrame(type.RESUME, 5, u64((1n << 64n) - 1n), u64(0)), 9],
  ])('%s', async (_name, bytes, code) => {
    const core = await guest.connect();
    core.send(bytes);
    expect(decodeError(await core.frame(type.ERROR)).code).toBe(code);
    await core.closed;
    await stillWell();
  });

  it('an ACK beyond what was sent, and input beyond the window', async () => {
    const acking = await guest.connect();
    acking.resume(5, 0);
    acking.ack(5, 1, 1);
    expect(decodeError(await acking.frame(type.ERROR)).code).toBe(9);
    const writing = await guest.connect();
    const { id } = await writing.spawn({ argv: ['sleep', '99'], stdin: true }, 6);
    // The pipe takes 64 KiB and the window as much again.
    for (let i = 0; i < 3; i++) writing.stdin(id, i * 65536, Buffer.alloc(65536));
    expect(decodeError(await writing.frame(type.ERROR)).code).toBe(8);
    const core = await guest.connect();
    core.sendFrame(type.SIGNAL, 6, Buffer.from([9, 0]));
    core.resume(6, 0);
    await core.exit(6);
    core.sendFrame(type.EXIT_ACK, 6);
    await core.ping();
    await core.close();
    await stillWell();
  });

  it.each([
    ['another frame first', encodeFrame(type.PING, 0, u64(1)), 1],
    ['no version', encodeFrame(type.HELLO, 0, u16(0), u8(0)), 2],
    ['a long HELLO', encodeFrame(type.HELLO, 0, Buffer.alloc(200)), 4],
    ['a HELLO of nothing', encodeFrame(type.HELLO, 0), 4],
    ['a huge frame', Buffer.from('ffffffff0100000000', 'hex'), 5],
  ])('before the handshake: %s', async (_name, bytes, code) => {
    const core = await guest.connectSilently();
    core.send(bytes);
    expect(decodeError(await core.frame(type.ERROR)).code).toBe(code);
    await core.closed;
    await stillWell();
  });

  it.each([
    [1, 1],
    [2, 2],
    [9, 2],
  ])('speaks the version of the core, or its own if that is lower: to %i, %i', async (said, spoken) => {
    const core = await guest.connectSilently();
    core.sendFrame(type.HELLO, 0, u16(said), u8(0));
    expect((await core.frame(type.WELCOME)).payload.readUInt16LE(0)).toBe(spoken);
    await core.close();
  });

  it('hears a HELLO that comes byte by byte, with the next frame right behind it', async () => {
    const core = await guest.connectSilently();
    for (const byte of hello.subarray(0, -1)) core.send(Buffer.from([byte]));
    core.send(Buffer.concat([hello.subarray(-1), encodeFrame(type.PING, 0, u64(1))]));
    await core.frame(type.READY);
    await core.frame(type.PONG);
    await core.close();
  });

  it('silent peers do not keep a core out', async () => {
    const silent = [];
    for (let i = 0; i < 40; i++) silent.push(await guest.connectSilently());
    await stillWell();
    for (const peer of silent) await peer.close();
  });

  it('answers a flood of pings to a peer that does not read, when it reads again', async () => {
    const core = await guest.connect();
    const before = guest.residentBytes;
    core.send(Buffer.concat(Array.from({ length: 100_000 }, (_, i) => encodeFrame(type.PING, 0, u64(i)))));
    await core.until(() => core.unasked(type.PONG).length === 100_000);
    expect(guest.residentBytes - before).toBeLessThan(4 * 1024 * 1024);
    await core.close();
  });

  it('takes noise without harm', async () => {
    const random = pseudoRandom(42);
    const next = (limit: number) => random.next().value % limit;
    const noise = (length: number) => Buffer.from(Array.from({ length }, () => next(256)));
    for (let round = 0; round < 150; round++) {
      const core = await guest.connectSilently();
      if (round % 3 > 0) core.send(hello);
      for (let i = 0; i < 5; i++) {
        // Mostly well-formed headers, so that the noise gets past them; never a SIGNAL, which would be obeyed.
        const types = [1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 0x20];
        core.send(
          round % 3 === 1
            ? noise(next(300))
            : encodeFrame(types[next(types.length)]!, next(3) + 6, noise(next(60))),
        );
      }
      const spawn = encodeSpawn(9, { argv: ['true'] });
      for (let i = 0; i < 3; i++) spawn[next(spawn.length - 9) + 9] = next(256);
      core.send(spawn);
      await core.close();
    }
    const core = await guest.connect();
    for (const known of core.known.filter(({ process }) => process !== 5)) {
      core.sendFrame(type.SIGNAL, known.process, Buffer.from([9, 0]));
      core.resume(known.process, known.stdout.first, known.stderr.first);
      await core.exit(known.process);
      core.sendFrame(type.EXIT_ACK, known.process);
    }
    await core.ping();
    await core.close();
    await stillWell();
  });
});

describe.each(variants)('a boot secret (%s)', (variant) => {
  const secret = Buffer.from('0123456789abcdef0123456789abcdef');
  it('is asked of every peer, and not open to processes', async () => {
    const guest = await RawGuest.start(variant, { secret });
    for (const wrong of ['', '0123456789abcdef0123456789abcdeF', '0123456789abcdef', 'x'.repeat(64)]) {
      const peer = await guest.connectSilently();
      peer.send(encodeFrame(type.HELLO, 0, u16(1), u8(wrong.length), Buffer.from(wrong)));
      expect(decodeError(await peer.frame(type.ERROR)).code).toBe(3);
      await peer.closed;
    }
    const core = await guest.connect(secret);
    const argv = ['sh', '-c', 'ls /proc/self/fd; cat /proc/1/environ /proc/1/maps'];
    expect(await core.run({ argv, user: 'nobody' })).toMatchObject({ code: 1, stdout: '0\n1\n2\n3\n' });
    expect(await guest.stop()).toEqual({ lived: true, stderr: '' });
  });

  it('can make the socket itself', async () => {
    const guest = await RawGuest.start(variant, { listenItself: true });
    const core = await guest.connect();
    expect((await core.run({ argv: ['echo', 'here'] })).stdout).toBe('here\n');
    expect(core).toBeInstanceOf(RawCore);
    expect(await guest.stop()).toEqual({ lived: true, stderr: '' });
  });
});
