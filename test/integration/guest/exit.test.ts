import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RawCore } from '../../helpers/core/raw-core.ts';
import { type } from '../../helpers/guest/raw-frames.ts';
import { RawGuest, variants } from '../../helpers/guest/raw-guest.ts';

const SCOPE = { process: 0, group: 1, all: 2 } as const;

const WHY_SKIPPED = ' (skipped: qemu gives real-time signals other numbers)';

describe.each(variants)('exits and signals (%s)', (variant) => {
  const renumbers = variant === 'emulated';
  let guest: RawGuest;
  let core: RawCore;
  beforeAll(async () => {
    guest = await RawGuest.start(variant);
    core = await guest.connect();
  });
  afterAll(async () => {
    expect(await guest.stop()).toEqual({ lived: true, stderr: '' });
  });
  const shell = (script: string, more = {}) => core.run({ argv: ['sh', '-c', script], ...more });
  const signal = (id: number, number: number, scope: number) =>
    core.sendFrame(type.SIGNAL, id, Buffer.from([number, scope]));

  it('tells every exit code', async () => {
    const codes = Array.from({ length: 256 }, (_, code) => code);
    const results = await Promise.all(codes.map((code) => shell(`exit ${code}`)));
    expect(results.map((result) => result.code)).toEqual(codes);
    expect(results.every((result) => result.signal === null && !result.coreDumped)).toBe(true);
  });

  async function tellsDeathBy(number: number): Promise<void> {
    const limits = [{ resource: 4, soft: 0n, hard: 0n }];
    const argv = ['perl', '-e', `kill ${number}, $$; sleep 10`];
    expect(await core.run({ argv, limits })).toMatchObject({ code: null, signal: number, coreDumped: false });
  }
  it.each([1, 2, 3, 6, 9, 11, 13, 15])('tells death by signal %i', tellsDeathBy);
  it.skipIf(renumbers).each([34, 64])(
    `tells death by signal %i${renumbers ? WHY_SKIPPED : ''}`,
    tellsDeathBy,
  );

  it('tells whether a core was dumped', async () => {
    const toPipe = readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('|');
    const limits = [{ resource: 4, soft: 1n << 20n, hard: 1n << 20n }];
    const result = await shell('kill -ABRT $$', { limits, cwd: guest.folder });
    expect(result.signal).toBe(6);
    if (!toPipe) expect(result.coreDumped).toBe(true);
  });

  it('signals the process alone, its group, or all', async () => {
    const script =
      'trap "echo got; exit 5" USR1; sh -c \'trap "echo child" USR1; echo up; while :; do sleep 0.05; done\' & wait';
    const alone = await core.spawn({ argv: ['sh', '-c', script] });
    await core.until(() => core.stream(alone.id).text === 'up\n');
    signal(alone.id, 10, SCOPE.process);
    expect((await core.exit(alone.id)).code).toBe(5);
    expect(core.stream(alone.id).text).toBe('up\ngot\n');
    const whole = await core.spawn({ argv: ['sh', '-c', 'trap "" TERM; echo up; sleep 100; exit 9'] });
    await core.until(() => core.stream(whole.id).text === 'up\n');
    signal(whole.id, 9, SCOPE.group);
    expect((await core.exit(whole.id)).signal).toBe(9);
    const several = [
      await core.spawn({ argv: ['sleep', '99'] }),
      await core.spawn({ argv: ['sleep', '99'] }),
    ];
    signal(0, 9, SCOPE.all);
    for (const { id } of several) expect((await core.exit(id)).signal).toBe(9);
    await guest.childless();
  });

  it('a signal straight after SPAWN is not lost', async () => {
    for (let id = 1; id <= 30; id++) {
      const spawned = core.spawn({ argv: ['sleep', '99'] }, id);
      signal(id, 15, SCOPE.group);
      await spawned;
      expect((await core.exit(id)).signal).toBe(15);
      core.sendFrame(type.EXIT_ACK, id);
    }
  });

  it('ignores frames for processes that it does not know', async () => {
    signal(777, 9, SCOPE.process);
    core.sendFrame(type.EXIT_ACK, 777);
    core.sendFrame(type.RESIZE, 777, Buffer.alloc(4));
    core.sendFrame(type.STDIN_EOF, 777, Buffer.alloc(8));
    core.ack(777, 1, 5);
    core.stdin(777, 5, 'x');
    await core.ping();
  });

  it('reaps orphans', async () => {
    expect((await shell('for i in 1 2 3 4 5 6 7 8; do (setsid sh -c "sleep 0.05" &) ; done')).code).toBe(0);
    const { stdout } = await shell(
      'while pgrep -x sleep >/dev/null; do sleep 0.02; done; ps -e -o stat= | grep -c Z; true',
    );
    expect(stdout).toBe('0\n');
    await guest.childless();
  });

  it('counts what was written before the exit, and drops what grandchildren write later', async () => {
    const late = `(trap "" HUP; until [ -e ${guest.folder}/ended ]; do sleep 0.02; done; echo late; echo late >&2; echo alive > ${guest.folder}/late) & `;
    const result = await shell(`${late} head -c 60000 /dev/zero | tr "\\0" a; exit 4`);
    expect(result).toMatchObject({ code: 4, stdoutTotal: 60000, stderrTotal: 0, faults: 0 });
    await shell(
      `touch ${guest.folder}/ended; while ! grep -q alive ${guest.folder}/late 2>/dev/null; do sleep 0.02; done`,
    );
    expect(result.stdout).toBe('a'.repeat(60000));
  });

  it('sends EXIT once', async () => {
    const { id } = await core.spawn({ argv: ['sh', '-c', '(sleep 0.1; echo late) & exit 1'] });
    await core.exit(id);
    await shell('sleep 0.3');
    await core.ping();
    expect(core.unasked(type.EXIT)).toEqual([]);
    core.sendFrame(type.EXIT_ACK, id);
  });

  it('answers while an executable cannot be opened, and can kill who waits for it', async () => {
    await shell(`mkfifo ${guest.folder}/fifo`);
    const spawned = core.spawn({ argv: ['sh', '-c', `exec < ${guest.folder}/fifo`] });
    await core.ping();
    const { id } = await spawned;
    signal(id, 9, SCOPE.process);
    expect((await core.exit(id)).signal).toBe(9);
  });

  it('passes a SIGTERM for PID 1 on to what runs', async () => {
    const { id } = await core.spawn({ argv: ['sleep', '99'] });
    process.kill(guest.pid, 'SIGTERM');
    expect((await core.exit(id)).signal).toBe(15);
    for (const name of ['SIGHUP', 'SIGUSR1', 'SIGPIPE', 'SIGALRM', 'SIGWINCH'] as const)
      process.kill(guest.pid, name);
    await core.ping();
  });
});
