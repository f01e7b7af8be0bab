import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { GuestChannel } from '../../../src/core/guest/guest-channel.ts';
import type { GuestFrame } from '../../../src/core/guest/protocol/frames.ts';
import { encodeGuestFrame } from '../../../src/core/guest/protocol/guest-frames.ts';
import { guestFrame } from '../../helpers/guest/frame-arbitraries.ts';
import { openChannel } from '../../helpers/guest/open-channel.ts';
import { processSpec } from '../../helpers/guest/process-spec.ts';
import {
  exitOf,
  OUTPUT_WINDOW,
  runningProcess,
  ScriptedGuest,
  type ScriptedGuestOptions,
} from '../../helpers/guest/scripted-guest.ts';

const toClose: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of toClose.splice(0).reverse()) await one[Symbol.asyncDispose]();
});

async function connect(
  options?: ScriptedGuestOptions,
): Promise<{ guest: ScriptedGuest; channel: GuestChannel }> {
  const guest = await ScriptedGuest.start(options);
  toClose.push(guest);
  const channel = await openChannel(guest.path, { timeoutMs: 5_000 });
  toClose.push(channel);
  return { guest, channel };
}

/** A channel with process 1 running, spawned on it. */
async function withProcess() {
  const { guest, channel } = await connect();
  const spawning = channel.spawn(1, processSpec(['cat'], { stdin: true }));
  guest.send({ type: 'SPAWNED', process: 1, pid: 2 });
  return { guest, channel, process: await spawning };
}

const stdout = (offset: number, data: Buffer | string, process = 1): GuestFrame => ({
  type: 'STDOUT',
  process,
  offset,
  data: Buffer.from(data),
});

const overfullWindow = Array.from({ length: 5 }, (_, i) =>
  stdout(i * 65_536, Buffer.alloc(i < 4 ? 65_536 : 1)),
);

const violations: [string, GuestFrame[] | Buffer, RegExp][] = [
  ['a gap in the output', [stdout(0, 'a'), stdout(2, 'b')], /continues at 2 instead of 1/],
  ['output twice', [stdout(0, 'a'), stdout(0, 'a')], /continues at 0 instead of 1/],
  ['output beyond the window', overfullWindow, /beyond its window/],
  ['output of an unknown process', [stdout(0, 'a', 77)], /process 77/],
  ['output beyond the total', [exitOf(1, { stdoutTotal: 1 }), stdout(0, 'ab')], /beyond its end/],
  ['a total below what came', [stdout(0, 'ab'), exitOf(1)], /ends at 0, after 2/],
  ['a second exit', [exitOf(1), exitOf(1)], /a second time/],
  ['an exit of an unknown process', [exitOf(9)], /process 9/],
  ['an unasked SPAWNED', [{ type: 'SPAWNED', process: 5, pid: 3 }], /nobody asked/],
  ['SPAWNED twice', [{ type: 'SPAWNED', process: 1, pid: 3 }], /nobody asked/],
  [
    'input acknowledged that was never sent',
    [{ type: 'STDIN_ACK', process: 1, offset: 1 }],
    /acknowledged up to 1/,
  ],
  ['an answer to no ping', [{ type: 'PONG', process: 0, token: 9n }], /no ping/],
  ['a second handshake', [{ type: 'READY', process: 0 }], /READY after/],
  ['an ERROR', [{ type: 'ERROR', process: 0, code: 4, message: 'bad\u001b[31m' }], /bad\?\[31m \(error 4\)/],
  ['a giant frame', Buffer.from('ffffff7f', 'hex'), /longer than/],
  ['a frame without room for its header', Buffer.from('0400000083000000', 'hex'), /no room/],
  ['an unknown type', Buffer.from('050000008c00000000', 'hex'), /unknown frame type/],
];

describe('a hostile guest', () => {
  it.each(violations)('%s ends the channel with a reason', async (_name, said, reason) => {
    const { guest, channel, process } = await withProcess();
    if (Buffer.isBuffer(said)) guest.sendRaw(said);
    else guest.send(...said);
    expect((await channel.closed).message).toMatch(reason);
    await expect(channel.ping(1_000)).rejects.toMatchObject({ code: 'run_failed', message: reason });
    await expect(channel.spawn(2, processSpec(['true']))).rejects.toThrow(reason);
    process.signal(15);
    process.endInput();
  });

  it.each([
    ['no WELCOME', [{ type: 'READY', process: 0 }], /READY before WELCOME/],
    [
      'another version',
      [{ type: 'WELCOME', process: 0, version: 3, outputWindow: 1, inputWindow: 1 }],
      /version 3/,
    ],
    [
      'a window that wants all memory',
      [{ type: 'WELCOME', process: 0, version: 1, outputWindow: 0xffff_ffff, inputWindow: 1 }],
      /window of 4294967295/,
    ],
    [
      'a process that is listed twice',
      [
        { type: 'WELCOME', process: 0, version: 1, outputWindow: 9, inputWindow: 9 },
        runningProcess(1),
        runningProcess(1),
        { type: 'READY', process: 0 },
      ],
      /listed twice/,
    ],
    [
      'no version',
      [{ type: 'WELCOME', process: 0, version: 0, outputWindow: 1, inputWindow: 1 }],
      /version 0/,
    ],
    ['a refusal', [{ type: 'ERROR', process: 0, code: 3, message: 'wrong secret' }], /wrong secret/],
  ] as [string, GuestFrame[], RegExp][])('%s fails the handshake', async (_name, greeting, reason) => {
    const guest = await ScriptedGuest.start({ greeting });
    toClose.push(guest);
    const opened = openChannel(guest.path, { timeoutMs: 5_000 });
    await expect(opened).rejects.toMatchObject({ code: 'run_failed', message: reason });
  });

  it('may not speak about a process that nobody resumed', async () => {
    const { guest, channel } = await connect({ processes: [runningProcess(4, { stdoutProduced: 5 })] });
    guest.send(stdout(0, 'hello', 4));
    expect((await channel.closed).message).toMatch(/process 4/);
  });

  it('cannot fill the heap with single bytes', async () => {
    const { guest, channel, process } = await withProcess();
    const frames: Buffer[] = [];
    for (let i = 0; i < OUTPUT_WINDOW; i += 1) {
      frames.push(encodeGuestFrame(stdout(i, 'x')));
      if (i % 2 === 0) frames.push(encodeGuestFrame({ ...stdout(i / 2, 'y'), type: 'STDERR' } as GuestFrame));
    }
    guest.sendRaw(Buffer.concat(frames));
    const pinged = channel.ping(20_000);
    await guest.heard('PING');
    guest.send({ type: 'PONG', process: 0, token: 1n });
    await pinged;
    guest.send(exitOf(1, { stdoutTotal: OUTPUT_WINDOW, stderrTotal: OUTPUT_WINDOW / 2 }));
    let chunks = 0;
    const bytes = { stdout: 0, stderr: 0 };
    for await (const chunk of process.output) {
      chunks += 1;
      expect(chunk.offset).toBe(bytes[chunk.stream]);
      bytes[chunk.stream] += chunk.data.length;
    }
    expect(bytes).toEqual({ stdout: OUTPUT_WINDOW, stderr: OUTPUT_WINDOW / 2 });
    expect(chunks).toBeLessThan(200);
  });

  it('cannot make the core keep what it does not read', async () => {
    const { guest, channel } = await withProcess();
    guest.goDeaf();
    for (let id = 2; id < 60; id += 1)
      channel.spawn(id, processSpec(['echo', 'x'.repeat(900_000)])).catch(() => undefined);
    expect((await channel.closed).message).toMatch(/does not read/);
  });

  it('survives any order of valid frames', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(guestFrame, { maxLength: 8 }), async (frames) => {
        const { guest, channel, process } = await withProcess();
        const relevant = frames.map(
          (frame) => (frame.process > 0 ? { ...frame, process: 1 } : frame) as GuestFrame,
        );
        guest.send(...relevant);
        guest.hangUp();
        await channel.closed;
        await process.exited.catch(() => undefined);
      }),
      { numRuns: 100 },
    );
  });
});
