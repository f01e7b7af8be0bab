import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GuestFrame } from '../../../src/core/guest/protocol/frames.ts';
import { ChannelFixture, collect } from '../../helpers/guest/channel-fixture.ts';
import { processSpec } from '../../helpers/guest/process-spec.ts';
import { exitOf, INPUT_WINDOW } from '../../helpers/guest/scripted-guest.ts';
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.ts';

let fixture: ChannelFixture;
beforeEach(async () => {
  fixture = await ChannelFixture.open();
});
afterEach(() => fixture[Symbol.asyncDispose]());

const stdout = (offset: number, data: Buffer | string): GuestFrame => ({
  type: 'STDOUT',
  process: 1,
  offset,
  data: Buffer.from(data),
});
const portion = Buffer.alloc(65_536, 'a');

describe('output', () => {
  it('comes in order, and ends when both totals are there', async () => {
    const { guest } = fixture;
    const process = await fixture.spawn();
    guest.send(stdout(0, 'one'), { ...stdout(0, 'err'), type: 'STDERR' } as GuestFrame);
    guest.send(exitOf(1, { value: 3, stdoutTotal: 6, stderrTotal: 3 }), stdout(3, 'two'));
    expect(await collect(process.output)).toEqual({ stdout: 'onetwo', stderr: 'err' });
    expect(await process.exited).toEqual({ code: 3, signal: null });
  });

  it('acknowledges a chunk only after the next one was asked for', async () => {
    const { guest } = fixture;
    const process = await fixture.spawn();
    guest.send(stdout(0, portion), stdout(65_536, portion));
    const chunks = process.output[Symbol.asyncIterator]();
    await chunks.next();
    await fixture.settle();
    expect(guest.ofType('ACK')).toHaveLength(0);
    await chunks.next();
    await fixture.settle();
    expect(guest.ofType('ACK')).toEqual([{ type: 'ACK', process: 1, stream: 1, offset: 65_536 }]);
    await chunks.return?.();
    await fixture.settle();
    expect(guest.ofType('ACK')).toHaveLength(1);
  });

  it('acknowledges in portions, and what is left when the consumer waits', async () => {
    const { guest } = fixture;
    const process = await fixture.spawn();
    const chunks = process.output[Symbol.asyncIterator]();
    for (let i = 0; i < 5; i += 1) guest.send(stdout(i * 1024, portion.subarray(0, 1024)));
    await fixture.settle();
    for (let read = 0; read < 5_120; ) read += (await chunks.next()).value!.data.length;
    const waiting = chunks.next();
    await guest.heard('ACK');
    guest.send(stdout(5_120, 'x'), exitOf(1, { stdoutTotal: 5_121 }));
    await waiting;
    expect((await chunks.next()).done).toBe(true);
    expect(guest.ofType('ACK').map(({ offset }) => offset)).toEqual([5_120]);
  });

  it('joins what waits, in order, and keeps nothing of the memory that it was read into', async () => {
    const { guest } = fixture;
    const process = await fixture.spawn();
    guest.send(stdout(0, 'a'), stdout(1, 'b'), stdout(2, 'c'));
    guest.send({ ...stdout(0, 'err'), type: 'STDERR' } as GuestFrame, stdout(3, 'd'), stdout(4, portion));
    await fixture.settle();
    guest.send(exitOf(1, { stdoutTotal: 4 + portion.length, stderrTotal: 3 }));
    const chunks = [];
    for await (const { stream, offset, data } of process.output) chunks.push({ stream, offset, data });
    expect(chunks.map(({ stream, offset, data }) => [stream, offset, data.length])).toEqual([
      ['stdout', 0, 3],
      ['stderr', 0, 3],
      ['stdout', 3, 1 + portion.length],
    ]);
    expect(String(chunks[0]!.data)).toBe('abc');
    expect(String(chunks[2]!.data.subarray(0, 2))).toBe(
      `d${String(portion[0] === 0 ? '\0' : portion.subarray(0, 1))}`,
    );
  });

  it('can be read once', async () => {
    const process = await fixture.spawn();
    process.output[Symbol.asyncIterator]();
    expect(() => process.output[Symbol.asyncIterator]()).toThrow(
      expect.objectContaining({ code: 'conflict' }),
    );
  });

  it('is dropped after close, acknowledged never, while the process lives on', async () => {
    const { guest } = fixture;
    const process = await fixture.spawn();
    const read = collect(process.output);
    await process.close();
    expect(await read).toEqual({ stdout: '', stderr: '' });
    guest.send(stdout(0, portion));
    await fixture.settle();
    expect(guest.ofType('ACK')).toHaveLength(0);
    guest.send(exitOf(1, { stdoutTotal: 65_536 }));
    expect(await process.exited).toEqual({ code: 0, signal: null });
  });
});

describe('exit', () => {
  it('reports a signal', async () => {
    const process = await fixture.spawn();
    fixture.guest.send(exitOf(1, { kind: 1, value: 9 }));
    expect(await process.exited).toEqual({ code: null, signal: 9 });
  });

  it('is acknowledged once, and not before the output was consumed', async () => {
    const { guest } = fixture;
    const process = await fixture.spawn();
    guest.send(stdout(0, 'late'), exitOf(1, { stdoutTotal: 4 }));
    await process.exited;
    process.acknowledgeExit();
    await fixture.settle();
    expect(guest.ofType('EXIT_ACK')).toHaveLength(0);
    await collect(process.output);
    await guest.heard('EXIT_ACK');
    process.acknowledgeExit();
    await fixture.settle();
    expect(guest.ofType('EXIT_ACK')).toHaveLength(1);
  });

  it('tolerates what was under way when the guest was told to forget', async () => {
    const { guest } = fixture;
    const process = await fixture.spawn({ stdin: true });
    guest.send(exitOf(1, { stdoutTotal: 4 }));
    await process.exited;
    await process.close();
    process.acknowledgeExit();
    await guest.heard('EXIT_ACK');
    guest.send(
      stdout(0, 'late'),
      { type: 'STDIN_CLOSED', process: 1 },
      { type: 'STDIN_ACK', process: 1, offset: 0 },
    );
    await fixture.settle();
  });
});

describe('input', () => {
  it('never goes beyond the window, and resolves when there is room', async () => {
    const { guest } = fixture;
    const process = await fixture.spawn({ stdin: true });
    let written = false;
    const writing = process.write(Buffer.alloc(INPUT_WINDOW + 10, 'i')).then(() => {
      written = true;
    });
    process.endInput();
    process.endInput();
    await fixture.settle();
    expect(guest.ofType('STDIN').reduce((sum, { data }) => sum + data.length, 0)).toBe(INPUT_WINDOW);
    expect(guest.ofType('STDIN_EOF')).toHaveLength(0);
    expect(written).toBe(false);
    guest.send({ type: 'STDIN_ACK', process: 1, offset: 100 });
    await writing;
    await guest.heard('STDIN_EOF');
    expect(guest.ofType('STDIN').map(({ offset }) => offset)).toEqual([0, INPUT_WINDOW]);
    expect(guest.ofType('STDIN_EOF')).toEqual([{ type: 'STDIN_EOF', process: 1, offset: INPUT_WINDOW + 10 }]);
  });

  it.each([
    ['the process closed its stdin', [{ type: 'STDIN_CLOSED', process: 1 } as GuestFrame]],
    ['the process ended', [exitOf(1)]],
  ])('is dropped silently when %s', async (_name, frames) => {
    const { guest } = fixture;
    const process = await fixture.spawn({ stdin: true });
    const writing = process.write(Buffer.alloc(INPUT_WINDOW * 3));
    guest.send(...frames);
    await writing;
    await process.write(Buffer.from('more'));
    process.endInput();
    await fixture.settle();
    expect(guest.ofType('STDIN_EOF')).toHaveLength(0);
  });

  it('is not sent to a process without stdin, but is to one with a terminal', async () => {
    const process = await fixture.spawn();
    await process.write(Buffer.from('nobody reads'));
    await fixture.settle();
    expect(fixture.guest.ofType('STDIN')).toHaveLength(0);
    const spawning = fixture.channel.spawn(2, processSpec(['sh'], { tty: true, size: { rows: 5, cols: 9 } }));
    fixture.guest.send({ type: 'SPAWNED', process: 2, pid: 3 });
    await (await spawning).write(Buffer.from('typed'));
    await fixture.guest.heard('STDIN');
    expect(fixture.guest.ofType('SPAWN').at(-1)).toMatchObject({ tty: true, rows: 5, columns: 9 });
  });
});

describe('control', () => {
  it.each([undefined, { rows: 0, cols: 0 }])(
    'has a terminal of 24 lines and 80 columns where nobody knows a size: %s',
    async (size) => {
      const spawning = fixture.channel.spawn(2, processSpec(['sh'], { tty: true, ...(size && { size }) }));
      fixture.guest.send({ type: 'SPAWNED', process: 2, pid: 3 });
      await spawning;
      await fixture.guest.heard('SPAWN');
      expect(fixture.guest.ofType('SPAWN').at(-1)).toMatchObject({ tty: true, rows: 24, columns: 80 });
    },
  );

  it('signals the group, the process alone, everyone, and resizes', async () => {
    const { guest, channel } = fixture;
    const process = await fixture.spawn();
    process.signal(15);
    process.signal(15, 'process');
    process.resize({ rows: 30, cols: 100 });
    channel.signalAll(9);
    await fixture.settle();
    expect(guest.ofType('SIGNAL')).toEqual([
      { type: 'SIGNAL', process: 1, number: 15, scope: 1 },
      { type: 'SIGNAL', process: 1, number: 15, scope: 0 },
      { type: 'SIGNAL', process: 0, number: 9, scope: 2 },
    ]);
    expect(guest.ofType('RESIZE')).toEqual([{ type: 'RESIZE', process: 1, rows: 30, columns: 100 }]);
    expect(() => process.signal(65)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
    expect(() => process.resize({ rows: -1, cols: 1 })).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
  });

  it('sends nothing to a process that ended', async () => {
    const { guest } = fixture;
    const process = await fixture.spawn();
    guest.send(exitOf(1));
    await process.exited;
    process.signal(9);
    process.resize({ rows: 1, cols: 1 });
    await fixture.settle();
    expect([...guest.ofType('SIGNAL'), ...guest.ofType('RESIZE')]).toHaveLength(0);
  });
});

describe('a command that does not start', () => {
  const { ENOENT, EACCES, ENOEXEC, EISDIR, ELOOP, EAGAIN } = constants.errno;
  it.each([
    [6, ENOENT, 'command_not_found', /exec: "cat": not found in the sandbox/],
    [6, EACCES, 'not_executable', /permission denied/],
    [6, ENOEXEC, 'not_executable', /format/],
    [6, EISDIR, 'not_executable', /directory/],
    [6, ELOOP, 'not_executable', /symbolic links/],
    [6, 999, 'run_failed', /executing it failed: what the guest says/],
    [5, EACCES, 'run_failed', /resource limits: what the guest says/],
    [4, EACCES, 'run_failed', /working directory: what the guest says/],
    [3, ENOENT, 'invalid_argument', /user: what the guest says/],
    [2, EAGAIN, 'run_failed', /no resources/],
    [1, 17, 'run_failed', /refused/],
  ])('stage %i, errno %i: %s', async (stage, errno, code, message) => {
    const spawning = fixture.channel.spawn(1, processSpec(['cat']));
    fixture.guest.send({ type: 'SPAWN_FAILED', process: 1, stage, errno, message: 'what the guest says' });
    await expect(spawning).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await fixture.spawn()).toMatchObject({ id: 1, pid: 2 });
  });

  it('has the name that whoever started it gives it', async () => {
    const spawning = fixture.channel.spawn(1, processSpec(['/.fsb-init', 'tar-in'], { title: 'tar-in' }));
    fixture.guest.send({ type: 'SPAWN_FAILED', process: 1, stage: 2, errno: EAGAIN, message: 'cannot fork' });
    await expect(spawning).rejects.toThrow('exec: "tar-in": no resources for it in the sandbox: cannot fork');
  });

  it.each([
    ['no command', { argv: [] }],
    ['an empty command', { argv: [''] }],
    ['a NUL in an argument', { argv: ['a', 'b\0'] }],
    ['a NUL in the environment', { env: { A: '\0' } }],
    ['a variable without a name', { env: { '': 'x' } }],
    ['a variable with = in its name', { env: { 'A=B': 'x' } }],
    ['more text than a frame holds', { argv: ['a', 'x'.repeat(1 << 20)] }],
    ['a terminal that cannot be', { size: { rows: 70_000, cols: 1 } }],
  ])('is refused before it is sent: %s', async (_name, more) => {
    const spawned = fixture.channel.spawn(1, processSpec(['a'], more));
    await expect(spawned).rejects.toMatchObject({ code: 'invalid_argument' });
    await fixture.settle();
    expect(fixture.guest.ofType('SPAWN')).toHaveLength(0);
  });

  it('is killed and forgotten when nobody waits for it any longer', async () => {
    const { guest, channel } = fixture;
    const abort = new AbortController();
    const spawning = channel.spawn(1, processSpec(['sleep']), abort.signal);
    await guest.heard('SPAWN');
    abort.abort();
    await expect(spawning).rejects.toMatchObject({ code: 'cancelled' });
    guest.send({ type: 'SPAWNED', process: 1, pid: 2 });
    await guest.heard('SIGNAL');
    expect(guest.ofType('SIGNAL')[0]).toMatchObject({ number: 9, scope: 1 });
    guest.send(exitOf(1, { kind: 1, value: 9, stdoutTotal: 50 }));
    await guest.heard('EXIT_ACK');
  });

  it('refuses an id that is in use', async () => {
    await fixture.spawn();
    await expect(fixture.channel.spawn(1, processSpec(['a']))).rejects.toMatchObject({ code: 'conflict' });
  });
});

/** Until the core has sent so many pings: what it reads of the answer to the last one comes when it comes. */
async function nextPing({ guest }: ChannelFixture, clock: ManualClock, nth: number): Promise<void> {
  for (; guest.ofType('PING').length < nth; await delay(5)) await clock.advance(100);
}

async function look(fixed: ChannelFixture, clock: ManualClock, nth: number): Promise<void> {
  await nextPing(fixed, clock, nth);
  fixed.answerPing(nth);
}

describe('output that is owed after the end', () => {
  it('ends where it is when the guest answers and has no more', async () => {
    const clock = createManualClock();
    await using slow = await ChannelFixture.open({ clock });
    const process = await slow.spawn();
    const collected = collect(process.output);
    slow.guest.send(stdout(0, 'one'), exitOf(1, { stdoutTotal: 70_000 }));
    await process.exited;
    for (let looks = 1; looks <= 3; looks++) await look(slow, clock, looks);
    expect((await collected).stdout).toBe('one');
    process.acknowledgeExit();
    await slow.guest.heard('EXIT_ACK');
  });

  it('leaves no timer behind when the channel goes first', async () => {
    const clock = createManualClock();
    await using slow = await ChannelFixture.open({ clock });
    const process = await slow.spawn();
    slow.guest.send(exitOf(1, { stdoutTotal: 70_000 }));
    await process.exited;
    expect(clock.pending).toBe(1);
    slow.guest.hangUp();
    await slow.channel.closed;
    expect(clock.pending).toBe(0);
  });

  it('is waited for while it comes, while the guest may not send, and while it is frozen', async () => {
    const clock = createManualClock();
    await using slow = await ChannelFixture.open({ clock });
    const process = await slow.spawn();
    slow.guest.send(exitOf(1, { stdoutTotal: 5 + 4 * portion.length }));
    await process.exited;
    // It comes.
    for (let looks = 1; looks <= 5; looks++) {
      slow.guest.send(stdout(looks - 1, 'x'));
      await look(slow, clock, looks);
    }
    // Frozen: no answer.
    for (let looks = 6; looks <= 10; looks++) {
      await nextPing(slow, clock, looks);
      await clock.advance(5_000);
    }
    // The window is full, and nobody reads.
    for (let i = 0; i < 3; i++) slow.guest.send(stdout(5 + i * portion.length, portion));
    slow.guest.send(stdout(5 + 3 * portion.length, portion.subarray(5)));
    for (let looks = 11; looks <= 15; looks++) await look(slow, clock, looks);
    const chunks = process.output[Symbol.asyncIterator]();
    const first = await chunks.next();
    await chunks.next();
    await slow.guest.heard('ACK');
    slow.guest.send(stdout(4 * portion.length, portion.subarray(0, 5)));
    let read = first.value!.data.length;
    expect(read).toBeGreaterThan(0);
    for (let next = await chunks.next(); !next.done; next = await chunks.next())
      read += next.value.data.length;
    expect(read).toBeGreaterThan(portion.length);
    await chunks.return?.();
  });
});
