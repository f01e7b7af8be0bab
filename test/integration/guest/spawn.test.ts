import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RawCore } from '../../helpers/core/raw-core.ts';
import { decodeFailure, type, u16 } from '../../helpers/guest/raw-frames.ts';
import { RawGuest, variants } from '../../helpers/guest/raw-guest.ts';

const passwd = [
  'root:x:0:0:root:/root:/bin/sh',
  `long:${'x'.repeat(20_000)}:1:1::/:/bin/sh`,
  'alice:x:1234:1300:Alice:/home/alice:/bin/sh',
  '4321:x:77:78::/numbered:/bin/sh',
  'broken:x:abc:0::/:/bin/sh',
  'last:x:1240:1240::/last:/bin/false', // and no newline
].join('\n');
const group = 'root:x:0:\nstaff:x:1400:bob,alice\nwheel:x:1401:alice\nother:x:1402:alicex\n';
const { errno } = constants;

describe.each(variants)('spawn (%s)', (variant) => {
  let guest: RawGuest;
  let core: RawCore;
  beforeAll(async () => {
    guest = await RawGuest.start(variant, { passwd, group });
    core = await guest.connect();
  });
  afterAll(async () => {
    expect(await guest.stop()).toEqual({ lived: true, stderr: '' });
  });
  const shell = (script: string, more = {}) => core.run({ argv: ['sh', '-c', script], ...more });

  it('carries stdout and stderr apart, with exact totals', async () => {
    const result = await shell('echo out; echo err >&2; printf x');
    expect(result).toMatchObject({
      code: 0,
      signal: null,
      stdout: 'out\nx',
      stderr: 'err\n',
      stdoutTotal: 5,
      stderrTotal: 4,
      faults: 0,
    });
    expect(result.peakKiB).toBeGreaterThan(0);
  });

  it('passes argv and environment on as they are', async () => {
    const argv = ['/usr/bin/printf', '[%s]', '', 'a b', 'ü', '"$x"'];
    expect((await core.run({ argv })).stdout).toBe('[][a b][ü]["$x"]');
    const hostname = `HOSTNAME=${execFileSync('hostname', { encoding: 'utf8' })}`;
    const env = { PATH: '/usr/bin', EMPTY: '', TWO: 'a=b', HOME: '/elsewhere' };
    expect((await core.run({ argv: ['env'], env })).stdout).toBe(
      `PATH=/usr/bin\nEMPTY=\nTWO=a=b\nHOME=/elsewhere\n${hostname}`,
    );
    expect((await core.run({ argv: ['/usr/bin/env'], env: {} })).stdout).toBe(`${hostname}HOME=/root\n`);
    expect((await core.run({ argv: ['env'], env: { A: '1' } })).stdout).toBe(`A=1\n${hostname}HOME=/root\n`);
    const own = { HOSTNAME: 'own', HOME: '' };
    expect((await core.run({ argv: ['env'], env: own })).stdout).toBe('HOSTNAME=own\nHOME=\n');
  });

  it('carries a large argv', async () => {
    const argv = [
      '/usr/bin/printf',
      '%s',
      ...Array.from({ length: 9000 }, (_, i) => `${i};`.padStart(80, '.')),
    ];
    expect((await core.run({ argv })).stdoutTotal).toBe(9000 * 80);
  });

  it('starts in /, or in the directory asked for, made by root', async () => {
    expect((await core.run({ argv: ['pwd'] })).stdout).toBe('/\n');
    const cwd = join(guest.folder, 'made/for you');
    expect((await core.run({ argv: ['pwd'], cwd, user: 'alice' })).stdout).toBe(`${cwd}\n`);
    for (const path of [cwd, join(guest.folder, 'made')]) {
      const { uid, gid, mode } = statSync(path);
      expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 0, gid: 0, mode: 0o755 });
    }
    const link = join(guest.folder, 'link');
    symlinkSync(guest.folder, link);
    await core.run({ argv: ['true'], cwd: join(link, 'through-link') });
    expect(existsSync(join(guest.folder, 'through-link'))).toBe(true);
  });

  it.each([
    ['', '0 0', '0', '/root'],
    ['alice', '1234 1300', '1300 1400 1401', '/home/alice'],
    ['1234', '1234 1300', '1300 1400 1401', '/home/alice'],
    ['alice:staff', '1234 1400', '1400', '/home/alice'],
    ['alice:7', '1234 7', '7', '/home/alice'],
    ['alice:', '1234 1300', '1300 1400 1401', '/home/alice'],
    [':staff', '0 1400', '1400', '/root'],
    ['5000', '5000 0', '0', '/'],
    ['5000:6000', '5000 6000', '6000', '/'],
    ['4321', '77 78', '78', '/numbered'],
    ['last', '1240 1240', '1240', '/last'],
  ])('becomes user %j', async (user, ids, groups, home) => {
    const result = await shell('echo $(id -u) $(id -g); echo $(id -G); echo $HOME', { user });
    expect(result.stdout).toBe(`${ids}\n${groups}\n${home}\n`);
  });

  it('adds the groups of the request', async () => {
    expect((await core.run({ argv: ['id', '-G'], user: 'alice', groups: [1500, 20] })).stdout).toBe(
      '1300 20 1400 1401 1500\n',
    );
  });

  it('sets limits, and leaves its own raised limit of open files to nobody', async () => {
    const limits = [
      { resource: 7, soft: 77n, hard: 88n },
      { resource: 4, soft: 0n, hard: 0n },
    ];
    expect((await shell('ulimit -Sn; ulimit -Hn; ulimit -c', { limits })).stdout).toBe('77\n88\n0\n');
    const inherited = execFileSync('sh', ['-c', 'ulimit -Sn; ulimit -Hn'], { encoding: 'utf8' });
    expect((await shell('ulimit -Sn; ulimit -Hn')).stdout).toBe(inherited);
  });

  it('gives a clean process: own session, no stray descriptor, default signals', async () => {
    const { stdout } = await shell('grep -E "^Sig(Blk|Ign|Cgt)" /proc/self/status; ls /proc/self/fd; umask');
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/SigBlk:\s+0000000000000000/);
    expect(lines[1]).toMatch(/SigIgn:\s+0000000000000000/);
    expect(lines.slice(3)).toEqual(['0', '1', '2', '3', '0022', '']); // 3 is ls reading the directory
    const { id, pid } = await core.spawn({ argv: ['sh', '-c', 'cut -d" " -f1,5,6 /proc/$$/stat'] });
    await core.exit(id);
    expect(core.stream(id).text).toBe(`${pid} ${pid} ${pid}\n`);
  });

  it('discards output when asked', async () => {
    const result = await shell('echo gone; echo gone >&2; exit 3', { discard: true });
    expect(result).toMatchObject({ code: 3, stdoutTotal: 0, stderrTotal: 0 });
  });

  it('tells how long its steps took when it is asked, and only then', async () => {
    expect((await core.spawn({ argv: ['true'] })).times).toEqual([]);
    for (const tty of [false, true]) {
      const began = process.hrtime.bigint();
      const { times } = await core.spawn({ argv: ['true'], tty, times: true });
      const waited = Number(process.hrtime.bigint() - began);
      expect(times).toHaveLength(4);
      const took = times.reduce((sum, time) => sum + time, 0);
      expect(took).toBeGreaterThan(0);
      expect(took).toBeLessThan(waited);
    }
    await core.spawnFails({ argv: ['nothere'], times: true });
    // What parent and child share while a process starts.
    expect(readFileSync(`/proc/${guest.pid}/maps`, 'utf8')).not.toContain('/dev/zero');
  });

  describe('failures, with stage and errno', () => {
    beforeAll(() => {
      writeFileSync(join(guest.folder, 'plain'), 'no program', { mode: 0o644 });
      writeFileSync(join(guest.folder, 'text'), 'no program\n', { mode: 0o755 });
      writeFileSync(join(guest.folder, 'orphan'), '#!/no/such/shell\n', { mode: 0o755 });
      symlinkSync('loop', join(guest.folder, 'loop'));
      mkdirSync(join(guest.folder, 'locked'), { mode: 0o700 });
    });
    const here = (name: string) => join(guest.folder, name);
    it.each([
      ['not found on PATH', () => ({ argv: ['nothere'] }), 6, errno.ENOENT, 'not found on PATH'],
      ['empty name', () => ({ argv: [''] }), 6, errno.ENOENT, ''],
      ['no such file', () => ({ argv: ['/nothere'] }), 6, errno.ENOENT, '"/nothere"'],
      ['no such interpreter', () => ({ argv: [here('orphan')] }), 6, errno.ENOENT, 'interpreter'],
      ['not executable', () => ({ argv: [here('plain')] }), 6, errno.EACCES, 'ermission'],
      [
        'not executable, on PATH',
        () => ({ argv: ['plain'], env: { PATH: guest.folder } }),
        6,
        errno.EACCES,
        '',
      ],
      ['not a program', () => ({ argv: [here('text')] }), 6, errno.ENOEXEC, '#!'],
      ['a directory', () => ({ argv: ['/etc'] }), 6, errno.EISDIR, 'directory'],
      ['a loop of links', () => ({ argv: [here('loop')] }), 6, errno.ELOOP, 'ymbolic link'],
      [
        'unknown user',
        () => ({ argv: ['true'], user: 'nobodyhere' }),
        3,
        errno.ENOENT,
        'no user "nobodyhere"',
      ],
      [
        'unknown group',
        () => ({ argv: ['true'], user: 'alice:nogroup' }),
        3,
        errno.ENOENT,
        'no group "nogroup"',
      ],
      ['uid -1', () => ({ argv: ['true'], user: '4294967295' }), 3, errno.ENOENT, ''],
      ['cwd is a file', () => ({ argv: ['true'], cwd: here('plain') }), 4, errno.ENOTDIR, 'plain'],
      ['cwd below a file', () => ({ argv: ['true'], cwd: here('plain/x') }), 4, errno.ENOTDIR, ''],
      [
        'cwd locked',
        () => ({ argv: ['true'], cwd: here('locked'), user: 'alice' }),
        4,
        errno.EACCES,
        'locked',
      ],
      [
        'bad limit',
        () => ({ argv: ['true'], limits: [{ resource: 99, soft: 1n, hard: 1n }] }),
        5,
        errno.EINVAL,
        'limit',
      ],
      [
        'soft above hard',
        () => ({ argv: ['true'], limits: [{ resource: 7, soft: 2n, hard: 1n }] }),
        5,
        errno.EINVAL,
        '',
      ],
    ])('%s', async (_name, spawn, stage, expected, words) => {
      const failure = decodeFailure(await core.spawnFails(spawn()));
      expect(failure).toMatchObject({ stage, errno: expected });
      expect(failure.message).toContain(words);
    });

    it('a process id in use', async () => {
      const { id } = await core.spawn({ argv: ['sleep', '60'] });
      expect(decodeFailure(await core.spawnFails({ argv: ['true'] }, id))).toMatchObject({
        stage: 1,
        errno: errno.EEXIST,
      });
      core.sendFrame(type.SIGNAL, id, Buffer.from([9, 0]));
      expect((await core.exit(id)).signal).toBe(9);
      core.sendFrame(type.EXIT_ACK, id);
    });

    it('leaves nothing behind', async () => {
      const before = guest.openDescriptors;
      for (let i = 0; i < 50; i++) await core.spawnFails({ argv: ['nothere'] });
      expect(guest.openDescriptors).toBe(before);
      expect(await core.run({ argv: ['true'] })).toMatchObject({ code: 0 });
      await guest.childless();
    });
  });

  it('works without any capability, for the user that it is', async () => {
    const other = await RawGuest.start(variant, { powerless: true });
    const weak = await other.connect();
    const argv = ['sh', '-c', 'id -u; grep CapEff /proc/self/status'];
    expect((await weak.run({ argv, tty: true })).stdout).toBe('0\r\nCapEff:\t0000000000000000\r\n');
    expect(await weak.run({ argv, user: '0:0' })).toMatchObject({ code: 0 });
    for (const user of ['nobody', '0:7']) {
      expect(decodeFailure(await weak.spawnFails({ argv, user }))).toMatchObject({
        stage: 3,
        errno: errno.EPERM,
      });
    }
    expect(decodeFailure(await weak.spawnFails({ argv, groups: [7] }))).toMatchObject({
      stage: 3,
      errno: errno.EPERM,
    });
    expect(await other.stop()).toEqual({ lived: true, stderr: '' });
  });

  it('refuses one process more than it can hold, and recovers', async () => {
    const other = await RawGuest.start(variant);
    const many = await other.connect();
    const sleepers = [];
    for (let i = 0; i < 1024; i++) sleepers.push(many.spawn({ argv: ['sleep', '600'], stdin: true }, i + 1));
    await Promise.all(sleepers);
    expect(decodeFailure(await many.spawnFails({ argv: ['true'] }, 5000))).toMatchObject({
      stage: 2,
      errno: errno.EAGAIN,
    });
    many.sendFrame(type.RESIZE, 1, u16(1), u16(1));
    many.sendFrame(type.SIGNAL, 0, Buffer.from([15, 2]));
    for (let id = 1; id <= 1024; id++) {
      expect((await many.exit(id)).signal).toBe(15);
      many.sendFrame(type.EXIT_ACK, id);
    }
    expect(await many.run({ argv: ['true'] })).toMatchObject({ code: 0 });
    await other.childless();
    expect(await other.stop()).toEqual({ lived: true, stderr: '' });
  });
});
