import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RawCore } from '../../helpers/core/raw-core.ts';
import { offsetOf, type, u16, u64 } from '../../helpers/guest/raw-frames.ts';
import { RawGuest, variants } from '../../helpers/guest/raw-guest.ts';

describe.each(variants)('stdin and terminals (%s)', (variant) => {
  let guest: RawGuest;
  let core: RawCore;
  beforeAll(async () => {
    guest = await RawGuest.start(variant);
    core = await guest.connect();
  });
  afterAll(async () => {
    expect(await guest.stop()).toEqual({ lived: true, stderr: '' });
  });
  const sh = (script: string) => ['sh', '-c', script];

  it('carries stdin and its end', async () => {
    const { id } = await core.spawn({ argv: ['cat'], stdin: true });
    core.stdin(id, 0, 'hello ');
    core.stdin(id, 6, 'world');
    await core.until(() => core.stream(id).text === 'hello world');
    core.sendFrame(type.STDIN_EOF, id, u64(11));
    expect(await core.exit(id)).toMatchObject({ code: 0, stdoutTotal: 11 });
  });

  it('half-close: the process answers after its input ended', async () => {
    const { id } = await core.spawn({ argv: sh('n=$(wc -c); sleep 0.05; echo counted $n'), stdin: true });
    core.stdin(id, 0, 'x'.repeat(1000));
    core.sendFrame(type.STDIN_EOF, id, u64(1000));
    await core.exit(id);
    expect(core.stream(id).text.trim()).toBe('counted 1000');
  });

  it('has /dev/null for stdin when none is asked for, and drops what is sent', async () => {
    const { id } = await core.spawn({ argv: sh('readlink /proc/self/fd/0; cat; sleep 0.1') });
    core.stdin(id, 0, 'dropped');
    await core.exit(id);
    expect(core.stream(id).text).toBe('/dev/null\n');
  });

  it('acknowledges what reached the pipe, and holds back the rest', async () => {
    const { id } = await core.spawn({ argv: sh('read go; cat'), stdin: true });
    const data = Buffer.alloc(200_000, 'abcdefgh\n');
    let sent = 0;
    let acked = 0;
    const sendMore = () => {
      const end = Math.min(data.length, acked + 65536, sent + 65536);
      if (end > sent) core.stdin(id, sent, data.subarray(sent, end));
      sent = Math.max(sent, end);
    };
    sendMore();
    while (acked < data.length) {
      acked = offsetOf(await core.frame(type.STDIN_ACK, id));
      sendMore();
    }
    core.sendFrame(type.STDIN_EOF, id, u64(data.length));
    expect(await core.exit(id)).toMatchObject({ code: 0, stdoutTotal: data.length - 9 });
    expect(core.stream(id).text).toBe(data.subarray(9).toString());
  });

  it('tells when the process closed its stdin, and drops further input', async () => {
    const { id } = await core.spawn({
      argv: sh('exec <&-; sleep 0.3'),
      stdin: true,
    });
    await core.frame(type.STDIN_CLOSED, id);
    core.stdin(id, 0, 'dropped');
    core.sendFrame(type.STDIN_EOF, id, u64(7));
    expect(await core.exit(id)).toMatchObject({ code: 0 });
  });

  it('gives a terminal: controlling, owned by the user, of the size asked for, resizable', async () => {
    const script =
      'tty; test -t 0 -a -t 1 -a -t 2 && echo all; stat -c %u $(tty); stty size; : > /dev/tty && echo own; trap "stty size; exit 0" WINCH; echo up; while :; do sleep 0.05; done';
    const { id } = await core.spawn({ argv: sh(script), tty: true, rows: 33, columns: 101, user: 'nobody' });
    await core.until(() => core.stream(id).text.endsWith('up\r\n'));
    expect(core.stream(id).text).toMatch(/^\/dev\/pts\/\d+\r\nall\r\n65534\r\n33 101\r\nown\r\nup\r\n$/);
    core.sendFrame(type.RESIZE, id, u16(50), u16(132));
    expect((await core.exit(id)).code).toBe(0);
    expect(core.stream(id).text).toMatch(/50 132\r\n$/);
  });

  it('a terminal passes ctrl-C and ctrl-D on', async () => {
    // Not a shell: dash can overlook a SIGINT that comes while it forks.
    const argv = ['perl', '-e', '$| = 1; print "up\\n"; sleep 99'];
    const interrupted = await core.spawn({ argv, tty: true });
    await core.until(() => core.stream(interrupted.id).text === 'up\r\n');
    core.stdin(interrupted.id, 0, '\x03');
    expect((await core.exit(interrupted.id)).signal).toBe(2);
    const cat = await core.spawn({ argv: ['cat'], tty: true });
    core.stdin(cat.id, 0, 'line\n\x04');
    expect((await core.exit(cat.id)).code).toBe(0);
    expect(core.stream(cat.id).text).toBe('line\r\nline\r\n');
  });

  it.each(['whole line\n', 'unfinished'])(
    'end of input on a terminal is its end-of-file: %j',
    async (line) => {
      const { id } = await core.spawn({ argv: sh('stty -echo; echo up; cat'), tty: true });
      await core.until(() => core.stream(id).text === 'up\r\n');
      core.stdin(id, 0, line);
      core.sendFrame(type.STDIN_EOF, id, u64(line.length));
      expect((await core.exit(id)).code).toBe(0);
      expect(core.stream(id).text).toBe(`up\r\n${line.replace('\n', '\r\n')}`);
    },
  );

  it('delivers everything that was written to a terminal before its end', async () => {
    for (let i = 0; i < 10; i++) {
      const result = await core.run({
        argv: sh('stty -opost; head -c 100000 /dev/zero | tr "\\0" t'),
        tty: true,
      });
      expect(result).toMatchObject({ code: 0, stdoutTotal: 100_000, stderrTotal: 0, faults: 0 });
    }
  });

  it('ends a terminal although a grandchild holds it open', async () => {
    const { id } = await core.spawn({ argv: sh('trap "" HUP; sleep 30 & echo last; exit 6'), tty: true });
    expect(await core.exit(id)).toMatchObject({ code: 6, stdoutTotal: 6 });
    core.sendFrame(type.SIGNAL, 0, Buffer.from([9, 2]));
  });

  it('keeps a terminal for a process that closed it and opens it again', async () => {
    const script = 't=$(tty); exec <&- >&- 2>&-; sleep 0.1; echo again > $t; exit 3';
    expect(await core.run({ argv: sh(script), tty: true })).toMatchObject({ code: 3, stdout: 'again\r\n' });
  });

  it('tells the exit of a process whose terminal output nobody takes', async () => {
    core.autoAck = false;
    const { id } = await core.spawn({ argv: sh('stty -opost; head -c 262144 /dev/zero; exit 8'), tty: true });
    await core.until(() => core.stream(id).next === 262_144);
    const more = await core.spawn({ argv: sh('stty -opost; head -c 263000 /dev/zero; exit 9'), tty: true });
    await core.until(() => core.stream(more.id).next === 262_144);
    core.autoAck = true;
    expect((await core.exit(id)).code).toBe(8);
    core.ack(more.id, 1, 262_144);
    expect(await core.exit(more.id)).toMatchObject({ code: 9, stdoutTotal: 263_000 });
  });

  it('drops the output of a terminal when asked', async () => {
    const result = await core.run({ argv: sh('tty >&2; echo gone; exit 2'), tty: true, discard: true });
    expect(result).toMatchObject({ code: 2, stdoutTotal: 0 });
  });

  it('leaves no descriptor and no process behind', async () => {
    for (let i = 0; i < 20; i++) await core.run({ argv: ['true'], tty: i % 2 === 0, stdin: true });
    const before = guest.openDescriptors;
    for (let i = 0; i < 20; i++) await core.run({ argv: ['true'], tty: i % 2 === 0, stdin: true });
    expect(guest.openDescriptors).toBe(before);
  });

  // The last one: the guest has no /dev afterwards.
  it('opens nothing in /dev by then, whatever is there instead: a fifo, nothing', async () => {
    const works = async () => {
      expect(await core.run({ argv: sh('cat; exit 3') })).toMatchObject({ code: 3 });
      expect(await core.run({ argv: sh('echo gone; exit 4'), discard: true })).toMatchObject({ code: 4 });
      expect(await core.run({ argv: sh('test -t 0; exit $?'), tty: true })).toMatchObject({ code: 0 });
    };
    // In the guest's own mount namespace: this machine keeps its /dev.
    const fifo = `${guest.folder}/fifo`;
    const cover = `mkfifo ${fifo} && mount --bind ${fifo} /dev/null`;
    expect(await core.run({ argv: sh(cover) })).toMatchObject({ code: 0, stderr: '' });
    await works();
    expect(await core.run({ argv: sh('mount -t tmpfs none /dev') })).toMatchObject({ code: 0, stderr: '' });
    await works();
  });
});
