import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decodeExit, type, u64 } from '../../helpers/guest/raw-frames.ts';
import { RawGuest, variants } from '../../helpers/guest/raw-guest.ts';

const WINDOW = 256 * 1024;
const MIB = 1024 * 1024;
const sh = (script: string) => ['sh', '-c', script];
const lines = (from: number, to: number) => {
  let text = '';
  for (let i = from; i <= to; i++) text += `${i}\n`;
  return text;
};

describe.each(variants)('windows and lost connections (%s)', (variant) => {
  let guest: RawGuest;
  beforeEach(async () => {
    guest = await RawGuest.start(variant);
  });
  afterEach(async () => {
    expect(await guest.stop()).toEqual({ lived: true, stderr: '' });
  });

  it('holds back a process whose output is not acknowledged, and nobody else', async () => {
    const core = await guest.connect();
    core.autoAck = false;
    const before = guest.residentBytes;
    const { id } = await core.spawn({
      argv: sh('head -c 10000000 /dev/zero; head -c 10000000 /dev/zero >&2'),
    });
    await core.until(() => core.stream(id).next === WINDOW);
    for (let i = 0; i < 20; i++) {
      const other = await core.spawn({ argv: ['echo', 'free'] });
      expect(await core.exit(other.id)).toMatchObject({ code: 0 });
      core.sendFrame(type.EXIT_ACK, other.id);
    }
    expect(core.stream(id).next).toBe(WINDOW);
    expect(core.unasked(type.EXIT)).toEqual([]);
    // Two full windows, one frame each on its way, and what the sanitizer adds.
    const grown = guest.residentBytes - before;
    expect(grown).toBeLessThan(variant === 'release' ? 2 * MIB : 24 * MIB);
    core.autoAck = true;
    core.ack(id, 1, WINDOW);
    expect(await core.exit(id)).toMatchObject({ code: 0, stdoutTotal: 10_000_000, stderrTotal: 10_000_000 });
    expect(core.stream(id).faults + core.stream(id, 'stderr').faults).toBe(0);
  });

  it('carries 100 MB byte for byte, and gives the memory back', async () => {
    const core = await guest.connect();
    const script = 'i=0; while [ $i -lt 100 ]; do seq $i 10000000 | head -c 1000000; i=$((i+1)); done';
    const expected = createHash('sha256');
    const received = createHash('sha256');
    for (let i = 0; i < 100; i++) expected.update(lines(i, 160_000).slice(0, 1_000_000));
    const id = 7;
    // Before the spawn: the first output may come in one packet with its answer.
    core.stream(id).onData = (data) => received.update(data);
    await core.spawn({ argv: sh(script) }, id);
    expect(await core.exit(id)).toMatchObject({ code: 0, stdoutTotal: 100_000_000 });
    expect(received.digest('hex')).toBe(expected.digest('hex'));
    expect(core.stream(id).faults).toBe(0);
    core.sendFrame(type.EXIT_ACK, id);
    await core.run({ argv: ['sleep', '0.5'] });
    if (variant === 'release') expect(guest.residentBytes).toBeLessThan(MIB);
  });

  it('loses and doubles no line over many lost connections', async () => {
    const total = lines(1, 120_000);
    let core = await guest.connect();
    // Before the spawn: the first output may come in one packet with its answer.
    core.autoAck = false;
    const { id } = await core.spawn({ argv: ['seq', '1', '120000'] }, 7);
    let text = '';
    for (let round = 0; round < 12; round++) {
      core.autoAck = false;
      const stream = core.stream(id);
      const start = text.length;
      await core.until(() => stream.next >= start + 40_000);
      expect(stream.faults).toBe(0);
      // Only what the log has written is acknowledged; the rest of what came is forgotten with this core.
      text += stream.text.slice(0, 20_000 + round * 1777);
      if (round % 2 === 0) core.ack(id, 1, text.length - 1000);
      await core.ping();
      await core.close();
      core = await guest.connect();
      expect(core.known).toHaveLength(1);
      expect(core.known[0]!.stdout.first).toBe(round % 2 === 0 ? text.length - 1000 : start);
      core.resume(id, text.length);
    }
    core.autoAck = true;
    expect(await core.exit(id)).toMatchObject({ code: 0, stdoutTotal: total.length });
    expect(text + core.stream(id).text).toBe(total);
  });

  it('resends what was sent but not acknowledged', async () => {
    const first = await guest.connect();
    first.autoAck = false;
    const { id } = await first.spawn({ argv: sh('printf abcdef; printf xyz >&2; exec sleep 99') });
    await first.until(() => first.stream(id).next === 6 && first.stream(id, 'stderr').next === 3);
    first.ack(id, 1, 2);
    await first.ping();
    await first.close();
    const second = await guest.connect();
    expect(second.known).toEqual([
      {
        process: id,
        exited: false,
        tty: false,
        stdinOpen: false,
        pid: expect.any(Number),
        stdinReceived: 0,
        stdout: { first: 2, produced: 6 },
        stderr: { first: 0, produced: 3 },
      },
    ]);
    await second.ping();
    expect(second.stream(id).next).toBe(0); // not before RESUME
    second.resume(id, 3, 0);
    await second.until(() => second.stream(id).next === 6 && second.stream(id, 'stderr').next === 3);
    expect(second.stream(id).text).toBe('def');
    expect(second.stream(id, 'stderr').text).toBe('xyz');
  });

  it('keeps a process going while nobody is connected, and its exit until it is acknowledged', async () => {
    let core = await guest.connect();
    const { id } = await core.spawn({ argv: sh('echo one; read x; echo two $x; exit 42'), stdin: true });
    await core.until(() => core.stream(id).next === 4);
    core.stdin(id, 0, 'go');
    await core.ping();
    await core.close();
    core = await guest.connect();
    core.autoAck = false;
    expect(core.known[0]).toMatchObject({ exited: false, stdinOpen: true, stdinReceived: 2 });
    core.resume(id, 4);
    expect((await core.frame(type.STDIN_ACK, id)).payload).toEqual(u64(2));
    core.stdin(id, 2, '!\n');
    await core.ping();
    await core.close();
    core = await guest.connect();
    core.resume(id, 4);
    expect(await core.exit(id)).toMatchObject({ code: 42, stdoutTotal: 12 });
    expect(core.stream(id).text).toBe('two go!\n');
    await core.ping();
    await core.close();
    core = await guest.connect();
    expect(core.known).toMatchObject([{ process: id, exited: true, stdout: { first: 12, produced: 12 } }]);
    core.resume(id, 12);
    expect(decodeExit(await core.frame(type.EXIT, id))).toMatchObject({ code: 42, stdoutTotal: 12 });
    core.sendFrame(type.EXIT_ACK, id);
    await core.ping();
    await core.close();
    core = await guest.connect();
    expect(core.known).toEqual([]);
    await guest.childless();
  });

  it('a process that ended with a full window keeps its exact totals', async () => {
    let core = await guest.connect();
    core.autoAck = false;
    const { id } = await core.spawn({ argv: ['head', '-c', String(WINDOW + 50_000), '/dev/zero'] });
    expect(decodeExit(await core.frame(type.EXIT, id)).stdoutTotal).toBe(WINDOW + 50_000);
    await core.until(() => core.stream(id).next === WINDOW);
    await core.close();
    core = await guest.connect();
    core.resume(id, 100);
    expect((await core.exit(id)).stdoutTotal).toBe(WINDOW + 50_000);
    expect(core.stream(id)).toMatchObject({ next: WINDOW + 50_000, faults: 0 });
  });

  it('a resume at the very end opens a full window again', async () => {
    let core = await guest.connect();
    core.autoAck = false;
    const { id } = await core.spawn({ argv: sh(`head -c ${WINDOW} /dev/zero; echo more`) });
    await core.until(() => core.stream(id).next === WINDOW);
    await core.close();
    core = await guest.connect();
    core.resume(id, WINDOW);
    await core.exit(id);
    expect(core.stream(id).text).toBe('more\n');
  });

  it('a second connection takes the place of the first', async () => {
    const first = await guest.connect();
    const { id } = await first.spawn({ argv: ['sleep', '99'] });
    const second = await guest.connect();
    await first.closed;
    expect(second.known.map((known) => known.process)).toEqual([id]);
    second.sendFrame(type.SIGNAL, id, Buffer.from([9, 0]));
    second.resume(id, 0);
    expect((await second.exit(id)).signal).toBe(9);
  });
});
