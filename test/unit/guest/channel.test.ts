import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createOpenChannel } from '../../../src/core/guest/open-channel.ts';
import type { GuestFrame } from '../../../src/core/guest/protocol/frames.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { ChannelFixture, collect } from '../../helpers/guest/channel-fixture.ts';
import { openChannel } from '../../helpers/guest/open-channel.ts';
import { processSpec } from '../../helpers/guest/process-spec.ts';
import { exitOf, runningProcess, ScriptedGuest } from '../../helpers/guest/scripted-guest.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const stdout = (process: number, offset: number, text: string): GuestFrame => ({
  type: 'STDOUT',
  process,
  offset,
  data: Buffer.from(text),
});

describe('opening a channel', () => {
  it('fails where no guest listens', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'fsb-test-'));
    const opened = openChannel(join(directory, 'none.sock'), { timeoutMs: 1_000 });
    await expect(opened).rejects.toMatchObject({
      code: 'run_failed',
      message: expect.stringMatching(/none\.sock.*ENOENT/),
    });
    rmSync(directory, { recursive: true });
  });

  it('gives up a guest that does not shake hands, at the deadline or when aborted', async () => {
    await using guest = await ScriptedGuest.start({ greeting: [] });
    const clock = createManualClock();
    const late = createOpenChannel(clock)(guest.path, { timeoutMs: 100 });
    late.catch(() => undefined);
    await guest.heard('HELLO');
    await clock.advance(100);
    await expect(late).rejects.toMatchObject({
      code: 'run_failed',
      message: expect.stringMatching(/no handshake within 100 ms/),
    });
    const abort = new AbortController();
    const aborted = openChannel(guest.path, { timeoutMs: 5_000, signal: abort.signal });
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'cancelled' });
    expect(clock.pending).toBe(0);
  });

  it('fails when the guest hangs up on it', async () => {
    await using guest = await ScriptedGuest.start({ greeting: [] });
    const opened = openChannel(guest.path, { timeoutMs: 5_000 });
    await Promise.all([
      expect(opened).rejects.toMatchObject({ code: 'run_failed' }),
      guest.heard('HELLO').then(() => guest.hangUp()),
    ]);
  });
});

describe('a lost channel', () => {
  it('tells every process, after what had come was delivered', async () => {
    await using fixture = await ChannelFixture.open();
    const { guest, channel } = fixture;
    const process = await fixture.spawn({ stdin: true });
    const spawning = channel.spawn(2, processSpec(['never']));
    const pinging = channel.ping(60_000);
    const writing = process.write(Buffer.alloc(200_000));
    guest.send(stdout(1, 0, 'last words'));
    const chunks = process.output[Symbol.asyncIterator]();
    await guest.heard('PING');
    guest.hangUp();
    const lost = { code: 'run_failed', message: expect.stringMatching(/channel to the guest is lost/) };
    await Promise.all([
      expect(spawning).rejects.toMatchObject(lost),
      expect(pinging).rejects.toMatchObject(lost),
      expect(writing).rejects.toMatchObject(lost),
      expect(process.exited).rejects.toMatchObject(lost),
    ]);
    expect((await chunks.next()).value?.data.toString()).toBe('last words');
    await expect(chunks.next()).rejects.toMatchObject(lost);
    expect(await channel.closed).toBeInstanceOf(Error);
  });

  it('leaves a process alone that was complete', async () => {
    await using fixture = await ChannelFixture.open();
    const process = await fixture.spawn();
    fixture.guest.send(stdout(1, 0, 'all'), exitOf(1, { value: 4, stdoutTotal: 3 }));
    await process.exited;
    fixture.guest.hangUp();
    await fixture.channel.closed;
    expect(await process.exited).toEqual({ code: 4, signal: null });
    expect(await collect(process.output)).toEqual({ stdout: 'all', stderr: '' });
  });

  it('says "unavailable" when it is the core that let go', async () => {
    await using fixture = await ChannelFixture.open();
    const process = await fixture.spawn();
    await Promise.all([fixture.channel.close(), fixture.channel.close()]);
    await expect(process.exited).rejects.toMatchObject({ code: 'unavailable' });
    await expect(fixture.channel.ping(10)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it.each([
    ['the guest goes', (fixture: ChannelFixture) => fixture.guest.hangUp()],
    ['the core lets go', (fixture: ChannelFixture) => fixture.channel.close()],
  ])('says what was foretold when %s', async (_, end) => {
    await using fixture = await ChannelFixture.open();
    const process = await fixture.spawn();
    fixture.channel.foretell(new FsbError('run_failed', 'it is destroyed: deleted'));
    fixture.channel.foretell(new FsbError('run_failed', 'and later something else'));
    await end(fixture);
    await fixture.channel.closed;
    const known = { code: 'run_failed', message: 'it is destroyed: deleted' };
    await expect(process.exited).rejects.toMatchObject(known);
    await expect(fixture.channel.ping(10)).rejects.toMatchObject(known);
  });

  it('closes within bounds although the guest does not read', async () => {
    const clock = createManualClock();
    await using guest = await ScriptedGuest.start();
    const channel = await createOpenChannel(clock)(guest.path, { timeoutMs: 100 });
    guest.goDeaf();
    for (let id = 1; id < 5; id += 1)
      channel.spawn(id, processSpec(['echo', 'x'.repeat(900_000)])).catch(() => undefined);
    const closing = channel.close();
    await clock.advance(1_000);
    await closing;
  });
});

describe('ping', () => {
  it('has a deadline, and a late answer is fine', async () => {
    const clock = createManualClock();
    await using guest = await ScriptedGuest.start();
    await using channel = await createOpenChannel(clock)(guest.path, { timeoutMs: 100 });
    const first = channel.ping(50);
    first.catch(() => undefined);
    await guest.heard('PING');
    await clock.advance(50);
    await expect(first).rejects.toMatchObject({ code: 'timeout' });
    const second = channel.ping(50);
    await guest.heard('PING', 2);
    for (const { token } of guest.ofType('PING')) guest.send({ type: 'PONG', process: 0, token });
    await second;
    expect(clock.pending).toBe(0);
  });
});

describe('resuming', () => {
  const processes = [
    runningProcess(3, {
      stdinOpen: true,
      stdinReceived: 70_000,
      stdoutFirst: 10,
      stdoutProduced: 14,
      tty: true,
    }),
    runningProcess(4, { exited: true }),
  ];

  it('lists what the guest had, and continues at the given bytes', async () => {
    await using fixture = await ChannelFixture.open({ processes });
    const { guest, channel } = fixture;
    expect(channel.known).toEqual([
      { id: 3, pid: 103, running: true, tty: true, retained: { stdout: 10, stderr: 0 } },
      { id: 4, pid: 104, running: false, tty: false, retained: { stdout: 0, stderr: 0 } },
    ]);
    const process = channel.resume(3, { stdout: 12, stderr: 0 });
    await guest.heard('RESUME');
    expect(guest.ofType('RESUME')[0]).toMatchObject({ process: 3, stdout: 12, stderr: 0 });
    guest.send(stdout(3, 12, 'cd'), exitOf(3, { stdoutTotal: 14 }));
    expect(await collect(process.output)).toEqual({ stdout: 'cd', stderr: '' });
    expect(() => channel.resume(3, { stdout: 12, stderr: 0 })).toThrow(
      expect.objectContaining({ code: 'conflict' }),
    );
    const ended = channel.resume(4, { stdout: 0, stderr: 0 });
    guest.send(exitOf(4, { value: 1 }));
    expect(await ended.exited).toEqual({ code: 1, signal: null });
  });

  it('waits for the window before it sends input', async () => {
    await using fixture = await ChannelFixture.open({ processes });
    const { guest, channel } = fixture;
    const process = channel.resume(3, { stdout: 10, stderr: 0 });
    const writing = process.write(Buffer.from('more'));
    await fixture.settle();
    expect(guest.ofType('STDIN')).toHaveLength(0);
    guest.send({ type: 'STDIN_ACK', process: 3, offset: 70_000 });
    await writing;
    await guest.heard('STDIN');
    expect(guest.ofType('STDIN')[0]).toMatchObject({ offset: 70_000 });
  });

  it.each([
    [{ stdout: 9, stderr: 0 }, 'run_failed', /byte 9: the guest has bytes 10 to 14/],
    [{ stdout: 15, stderr: 0 }, 'run_failed', /byte 15/],
    [{ stdout: 10, stderr: 1 }, 'run_failed', /stderr/],
  ])('refuses to continue at %j', async (from, code, message) => {
    await using fixture = await ChannelFixture.open({ processes });
    expect(() => fixture.channel.resume(3, from)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
    fixture.channel.resume(3, { stdout: 10, stderr: 0 });
  });

  it('knows no process that was not listed, and spawns none in the place of a listed one', async () => {
    await using fixture = await ChannelFixture.open({ processes });
    const { channel } = fixture;
    expect(() => channel.resume(9, { stdout: 0, stderr: 0 })).toThrow(
      expect.objectContaining({ code: 'not_found' }),
    );
    await expect(channel.spawn(3, processSpec(['a']))).rejects.toMatchObject({ code: 'conflict' });
  });

  it('reports a process that failed to start after its channel was lost', async () => {
    await using fixture = await ChannelFixture.open({ processes });
    const { guest, channel } = fixture;
    const held = channel.resume(4, { stdout: 0, stderr: 0 });
    for (const process of [3, 4])
      guest.send({ type: 'SPAWN_FAILED', process, stage: 6, errno: 2, message: 'not there' });
    await fixture.settle();
    await expect(held.exited).rejects.toMatchObject({ code: 'command_not_found' });
    const late = channel.resume(3, { stdout: 10, stderr: 0 });
    await expect(late.exited).rejects.toMatchObject({ code: 'command_not_found' });
    await fixture.settle();
    expect(guest.ofType('RESUME').map(({ process }) => process)).toEqual([4]);
  });
});
