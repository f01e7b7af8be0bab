import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GuestChannel } from '../../../src/core/guest/guest-channel.ts';
import type { OutputChunk } from '../../../src/core/model/process.ts';
import { collect } from '../../helpers/guest/channel-fixture.ts';
import { openChannel } from '../../helpers/guest/open-channel.ts';
import { processSpec } from '../../helpers/guest/process-spec.ts';
import { type RealGuest, startRealGuest } from '../../helpers/guest/real-guest.ts';

let guest: RealGuest;
let channel: GuestChannel;
const connect = (): Promise<GuestChannel> => openChannel(guest.channelPath, { timeoutMs: 5_000 });

beforeEach(async () => {
  guest = await startRealGuest();
  channel = await connect();
});
afterEach(async () => {
  await channel.close();
  await guest.remove();
  expect(existsSync(`/proc/${guest.pid}`)).toBe(false);
});

const sh = (script: string, more = {}) => processSpec(['sh', '-c', script], more);

describe('a real guest', () => {
  it('runs a command and tells its output and exit', async () => {
    const process = await channel.spawn(1, sh('echo out; echo err >&2; exit 7'));
    expect(await collect(process.output)).toEqual({ stdout: 'out\n', stderr: 'err\n' });
    expect(await process.exited).toEqual({ code: 7, signal: null });
    process.acknowledgeExit();
    await channel.ping(5_000);
  });

  it('reports a death by signal', async () => {
    const process = await channel.spawn(1, processSpec(['sleep', '1000']));
    process.signal(15);
    expect(await process.exited).toEqual({ code: null, signal: 15 });
  });

  it('gives environment, directory and user', async () => {
    const spec = sh('echo $A; pwd; id -u', {
      env: { PATH: '/usr/bin:/bin', A: 'ä b' },
      cwd: '/tmp',
      user: 'nobody',
    });
    const { stdout } = await collect((await channel.spawn(1, spec)).output);
    expect(stdout).toBe('ä b\n/tmp\n65534\n');
  });

  it.each([
    [processSpec(['no-such-command']), 'command_not_found', /"no-such-command": not found in the sandbox/],
    [processSpec(['/no/such/file']), 'command_not_found', /not found in the sandbox/],
    [processSpec(['/etc/passwd']), 'not_executable', /permission denied/],
    [processSpec(['/etc']), 'not_executable', /cannot be executed/],
    [processSpec(['true'], { user: 'nobody-here' }), 'invalid_argument', /user/],
  ])('says why a command does not start: %j', async (spec, code, message) => {
    await expect(channel.spawn(1, spec)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
    expect(await (await channel.spawn(1, processSpec(['true']))).exited).toEqual({ code: 0, signal: null });
  });

  it('carries input of many windows to a process and back, byte for byte', async () => {
    const process = await channel.spawn(1, processSpec(['cat'], { stdin: true }));
    const size = 3 * 1024 * 1024;
    const data = Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
    const writing = (async () => {
      for (let at = 0; at < size; at += 100_000) await process.write(data.subarray(at, at + 100_000));
      process.endInput();
    })();
    const parts: Buffer[] = [];
    for await (const { data: part } of process.output) parts.push(part);
    await writing;
    expect(Buffer.concat(parts).equals(data)).toBe(true);
    expect(await process.exited).toEqual({ code: 0, signal: null });
  });

  it('drops input for a process that closed its stdin', async () => {
    const process = await channel.spawn(1, sh('exec <&-; sleep 0.2; echo done', { stdin: true }));
    for (let i = 0; i < 50; i += 1) await process.write(Buffer.alloc(10_000));
    process.endInput();
    expect((await collect(process.output)).stdout).toBe('done\n');
  });

  it('holds back a process that nobody reads, and no other', async () => {
    const flood = await channel.spawn(1, sh('yes'));
    const other = await channel.spawn(2, sh('seq 1 20000'));
    const { stdout } = await collect(other.output);
    expect(stdout.split('\n')).toHaveLength(20_001);
    flood.signal(9);
    expect(await flood.exited).toEqual({ code: null, signal: 9 });
    const { stdout: rest } = await collect(flood.output);
    expect(/^(y\n)+y?$/.test(rest)).toBe(true);
  });

  it('is a real terminal', async () => {
    const spec = sh('stty size; read line; stty size; echo "got $line"; tty', {
      tty: true,
      size: { rows: 24, cols: 80 },
      env: { PATH: '/usr/bin:/bin', TERM: 'xterm' },
    });
    const process = await channel.spawn(1, spec);
    let text = '';
    for await (const { data, stream } of process.output) {
      expect(stream).toBe('stdout');
      if (text === '' && data.toString().includes('24 80')) {
        process.resize({ rows: 40, cols: 120 });
        await process.write(Buffer.from('hello\n'));
      }
      text += data.toString();
    }
    expect(text).toContain('24 80\r\n');
    expect(text).toContain('40 120\r\n');
    expect(text).toContain('got hello\r\n');
    expect(text).toContain('/dev/pts/');
    expect(await process.exited).toEqual({ code: 0, signal: null });
  });

  it('discards the output of a process that is started so', async () => {
    const process = await channel.spawn(1, sh('seq 1 100000; exit 3', { discardOutput: true }));
    expect(await collect(process.output)).toEqual({ stdout: '', stderr: '' });
    expect(await process.exited).toEqual({ code: 3, signal: null });
  });

  it('runs many at once', async () => {
    const codes = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const process = await channel.spawn(i + 1, sh(`echo ${i}; exit ${i}`));
        const { stdout } = await collect(process.output);
        const { code } = await process.exited;
        process.acknowledgeExit();
        return [stdout, code];
      }),
    );
    expect(codes).toEqual(Array.from({ length: 50 }, (_, i) => [`${i}\n`, i]));
  });

  it('signals everything but its PID 1', async () => {
    const processes = [
      await channel.spawn(1, sh('sleep 1000 & sleep 1000')),
      await channel.spawn(2, sh('sleep 1000')),
    ];
    channel.signalAll(9);
    for (const process of processes) expect(await process.exited).toEqual({ code: null, signal: 9 });
    await channel.ping(5_000);
  });

  it('is asked for what comes after a kill of everything when that is gone', async () => {
    const busy = 'for i in $(seq 100); do (while :; do :; done) & done; echo up; wait';
    const process = await channel.spawn(1, sh(busy));
    for await (const { data } of process.output) if (data.toString() === 'up\n') break;
    channel.signalAll(9);
    const look = await channel.spawn(2, sh("grep -lsa '[s]eq.100' /proc/[0-9]*/cmdline | wc -l"));
    expect(await collect(look.output)).toEqual({ stdout: '0\n', stderr: '' });
  });

  it('is lost when its PID 1 dies, and says so to everyone', async () => {
    const process = await channel.spawn(1, processSpec(['sleep', '1000']));
    await guest.stop();
    await channel.closed;
    await expect(process.exited).rejects.toMatchObject({ code: 'run_failed' });
    await expect(collect(process.output)).rejects.toMatchObject({ code: 'run_failed' });
    await expect(connect()).rejects.toMatchObject({ code: 'run_failed' });
  });
});

/** Reads numbered lines until this many bytes came, then breaks off in the middle of what is under way. */
async function readBytes(output: AsyncIterable<OutputChunk>, from: number, atLeast: number, into: Buffer[]) {
  let at = from;
  for await (const { offset, data } of output) {
    expect(offset).toBe(at);
    into.push(data);
    at += data.length;
    if (at - from >= atLeast) break;
  }
  return at;
}

describe('a guest that outlives its core', () => {
  it('loses no byte and doubles none over many reconnects in full flight', async () => {
    const lines = 400_000;
    const parts: Buffer[] = [];
    let process = await channel.spawn(1, sh(`seq 1 ${lines}; exit 5`));
    let at = await readBytes(process.output, 0, 200_000, parts);
    for (let round = 0; round < 8; round += 1) {
      await channel.close();
      channel = await connect();
      expect(channel.known.map(({ id }) => id)).toEqual([1]);
      process = channel.resume(1, { stdout: at, stderr: 0 });
      at = await readBytes(process.output, at, round === 7 ? Number.POSITIVE_INFINITY : 200_000, parts);
    }
    expect(await process.exited).toEqual({ code: 5, signal: null });
    const expected = Array.from({ length: lines }, (_, i) => `${i + 1}\n`).join('');
    expect(Buffer.concat(parts).toString() === expected).toBe(true);
  });

  it('tells an exit again until it was acknowledged', async () => {
    const first = await channel.spawn(1, sh('echo bye; exit 9'));
    await first.exited;
    await channel.close();
    channel = await connect();
    expect(channel.known).toMatchObject([{ id: 1, running: false }]);
    const second = channel.resume(1, { stdout: 0, stderr: 0 });
    expect(await second.exited).toEqual({ code: 9, signal: null });
    expect((await collect(second.output)).stdout).toBe('bye\n');
    second.acknowledgeExit();
    await channel.ping(5_000);
    await channel.close();
    channel = await connect();
    expect(channel.known).toEqual([]);
  });

  it('takes input on where the earlier core stopped', async () => {
    const first = await channel.spawn(1, processSpec(['cat'], { stdin: true }));
    await first.write(Buffer.from('one '));
    const chunks = first.output[Symbol.asyncIterator]();
    const seen = (await chunks.next()).value!.data.toString();
    await channel.close();
    channel = await connect();
    const second = channel.resume(1, { stdout: seen.length, stderr: 0 });
    await second.write(Buffer.from('two'));
    second.endInput();
    expect(seen + (await collect(second.output)).stdout).toBe('one two');
  });

  it('serves the newest core only', async () => {
    const newer = await connect();
    await channel.closed;
    await newer.ping(5_000);
    channel = newer;
  });
});
