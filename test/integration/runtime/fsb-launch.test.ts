import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { STOPPING } from '../../../src/cli/command/interruption.ts';
import { isAlive, readProcessStat } from '../../../src/core/model/process-identity.ts';
import { launchBinary } from '../../helpers/guest/guest-programs.ts';

let directory: string;
const started: ChildProcess[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fsb-launch-'));
});

afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  await rm(directory, { recursive: true });
});

const start = (file: string, ...args: string[]): ChildProcess => {
  const child = spawn(file, args);
  started.push(child);
  return child;
};
const launch = (...args: string[]) => spawnSync(launchBinary, args, { encoding: 'utf8' });

describe('fsb-launch lock', () => {
  const lockFile = (): string => join(directory, 'lock');

  const hold = async (...options: string[]): Promise<ChildProcess> => {
    const holder = start(launchBinary, 'lock', ...options, lockFile());
    const [text] = await once(holder.stdout!, 'data');
    expect(String(text)).toBe('locked\n');
    return holder;
  };

  it('lets one in and tells the next who is too late', async () => {
    await hold();
    const next = launch('lock', lockFile());
    expect(next).toMatchObject({ status: 75, stdout: '' });
    expect(next.stderr).toContain(lockFile());
    expect(launch('lock', '--wait', '50', lockFile()).status).toBe(75);
  });

  it('goes when its standard input ends, and a waiting one takes over', async () => {
    const holder = await hold();
    const waiting = hold('--wait', '10000');
    holder.stdin!.end();
    expect(await once(holder, 'exit')).toEqual([0, null]);
    await waiting;
  });

  it('goes with the process that holds the other end, however that ends', async () => {
    const script = `"${launchBinary}" lock "${lockFile()}" < "${join(directory, 'pipe')}" & exec 9> "${join(directory, 'pipe')}"; wait`;
    const core = start('bash', '-c', `mkfifo "${join(directory, 'pipe')}"; ${script}`);
    const [text] = await once(core.stdout!, 'data');
    expect(String(text)).toBe('locked\n');
    core.kill('SIGKILL');
    await hold('--wait', '10000');
  });

  it('outlives the signals that reach the whole group of its core', async () => {
    const holder = await hold();
    for (const [signal] of STOPPING) holder.kill(signal);
    expect(launch('lock', lockFile()).status).toBe(75);
  });

  it('says why a lock file cannot be used', () => {
    const { status, stderr } = launch('lock', '/no/such/directory/lock');
    expect(status).toBe(125);
    expect(stderr).toBe('fsb-launch: open lock file /no/such/directory/lock: No such file or directory\n');
  });
});

describe('fsb-launch run', () => {
  it('executes a program, which has stdio and one descriptor more', () => {
    const script = `exec 3>&1 4>&1 200>&1; exec "${launchBinary}" run sh -c 'echo one >&3; ls /proc/$$/fd'`;
    expect(spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout).toBe('one\n0\n1\n2\n3\n');
  });

  it('says why a program cannot be', () => {
    expect(launch('run', '/no/such/program')).toMatchObject({
      status: 125,
      stderr: 'fsb-launch: execute /no/such/program: No such file or directory\n',
    });
  });
});

describe('fsb-launch remove', () => {
  it('kills what has this start time, and waits for it', async () => {
    const child = start('sleep', '1000');
    await once(child, 'spawn');
    const { startTime } = readProcessStat(child.pid!)!;
    expect(launch('remove', '--process', `${child.pid}:${startTime + 1}`).status).toBe(0);
    expect(isAlive({ pid: child.pid!, startTime })).toBe(true);
    expect(launch('remove', '--process', `${child.pid}:${startTime}`).status).toBe(0);
    expect(isAlive({ pid: child.pid!, startTime })).toBe(false);
  });

  it('is fine when there is nothing', () => {
    const nothing = join(directory, 'nothing');
    const args = ['--process', '4194305:1', '--thaw', nothing, '--group', nothing, '--tree', nothing];
    expect(launch('remove', ...args, '--aside', nothing, join(directory, 'there'))).toMatchObject({
      status: 0,
      stderr: '',
    });
  });

  it('removes trees without following links, and moves one aside', () => {
    const [tree, kept, layers] = ['tree', 'kept', 'layers'].map((name) => join(directory, name));
    mkdirSync(join(tree!, 'deep/er'), { recursive: true });
    mkdirSync(join(kept!, 'file'), { recursive: true });
    mkdirSync(layers!);
    symlinkSync(kept!, join(tree!, 'deep/link'));
    expect(launch('remove', '--tree', tree!, '--aside', layers!, join(directory, 'aside')).status).toBe(0);
    expect(readdirSync(directory).sort()).toEqual(['aside', 'kept']);
    expect(readdirSync(kept!)).toEqual(['file']);
  });

  it.each([
    [['--bogus', 'x'], 'option --bogus: unknown'],
    [['--process', '12'], 'process 12: not PID:START'],
    [['--aside', 'x'], 'option x: needs a value'],
  ])('refuses %j', (args, reason) => {
    expect(launch('remove', ...args)).toMatchObject({ status: 125, stderr: `fsb-launch: ${reason}\n` });
  });
});

describe('fsb-launch boot', () => {
  const needed = (bundle = join(directory, 'b')): string[] => [
    ...['--layers', join(directory, 'l'), '--bundle', bundle, '--config', '{"x":1}'],
    ...['--etc', 'hosts', 'some hosts', '--etc', 'hostname', 'me'],
  ];
  const lower = (): string => {
    const path = join(directory, 'lower');
    mkdirSync(path);
    mkdirSync(join(path, 'etc'));
    chmodSync(path, 0o751);
    chownSync(join(path, 'etc'), 3, 4);
    return path;
  };

  it.each([
    [[], 'option --layers: missing'],
    [['--layers'], 'option --layers: needs a value'],
    [['--lower', '/usr'], 'option --lower: belongs behind an --overlay'],
    [['--bogus', 'x'], 'option --bogus: unknown'],
  ])('refuses %j', (args, reason) => {
    expect(launch('boot', ...args)).toMatchObject({ status: 125, stderr: `fsb-launch: ${reason}\n` });
  });

  it('names the step, the path and the reason', () => {
    const overlay = ['--overlay', '/', '--lower', '/no/lower'];
    const { status, stderr } = launch('boot', ...needed(), ...overlay, '--', '/bin/true');
    expect(status).toBe(125);
    expect(stderr).toBe('fsb-launch: read layer /no/lower: No such file or directory\n');
  });

  it('makes nothing where there is something already', () => {
    mkdirSync(join(directory, 'b'));
    const { status, stderr } = launch(
      'boot',
      ...needed(),
      '--overlay',
      '/',
      '--lower',
      '/usr',
      '--',
      '/bin/true',
    );
    expect(status).toBe(76);
    expect(stderr).toBe(`fsb-launch: there is one already, ${join(directory, 'b')}\n`);
    expect(readdirSync(directory)).toEqual(['b']);
  });

  it('refuses socket paths that do not fit', () => {
    const long = join(directory, 'x'.repeat(120));
    const { stderr } = launch(
      'boot',
      ...needed(long),
      '--overlay',
      '/',
      '--lower',
      lower(),
      '--',
      '/bin/true',
    );
    expect(stderr).toMatch(new RegExp(`^fsb-launch: bind socket ${long}/guest.sock: File ?name too long\n$`));
  });

  it('makes the files of an instance, with the owners and modes of what they cover', () => {
    const overlay = ['--overlay', '/', '--lower', lower()];
    expect(launch('boot', ...needed(), ...overlay, '--', '/bin/true')).toMatchObject({
      status: 0,
      stderr: '',
    });
    const mode = (path: string): string => (statSync(join(directory, path)).mode & 0o7777).toString(8);
    expect([
      mode('l'),
      mode('b'),
      mode('b/config.json'),
      mode('l/0/upper'),
      mode('l/0/upper/etc/hosts'),
    ]).toEqual(['700', '700', '600', '751', '644']);
    expect(statSync(join(directory, 'l/0/upper/etc'))).toMatchObject({ uid: 3, gid: 4 });
    expect(readFileSync(join(directory, 'l/0/upper/etc/hosts'), 'utf8')).toBe('some hosts');
    expect(readFileSync(join(directory, 'b/config.json'), 'utf8')).toBe('{"x":1}');
  });

  it('hands on a listening socket as descriptor 3, and nothing else', () => {
    const result = join(directory, 'descriptors');
    const root = join(directory, 'b/rootfs');
    const overlay = ['--overlay', '/', '--lower', lower()];
    const script = `exec 4>"${result}"; for f in 0 1 2 3 5 6 7 8 9; do readlink /proc/$$/fd/$f >&4; done; grep -c ' ${root} .*overlay' /proc/self/mountinfo >&4`;
    const all = ['boot', ...needed(), ...overlay, '--', '/bin/bash', '-c', script];
    const stdio = ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'] as const;
    expect(spawnSync(launchBinary, all, { stdio: [...stdio], encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    });
    const [first, second, third, fourth, ...rest] = readFileSync(result, 'utf8').trim().split('\n');
    expect([first, second, third]).toEqual(['/dev/null', '/dev/null', '/dev/null']);
    expect(fourth).toMatch(/^socket:/);
    expect(rest).toEqual(['1']);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(root);
  });
});

describe('fsb-launch spread', () => {
  it('sets the flag of ext4, and takes other file systems as they are', () => {
    const image = join(directory, 'ext4');
    const onExt4 = join(directory, 'on-ext4');
    const onTmpfs = join(directory, 'on-tmpfs');
    for (const path of [onExt4, onTmpfs]) mkdirSync(path);
    const run = (program: string, ...args: string[]): string => {
      const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, expect.any(String)]);
      return stdout;
    };
    run('truncate', '--size=8M', image);
    run('mkfs.ext4', '-q', image);
    run('mount', '-o', 'loop', image, onExt4);
    run('mount', '-t', 'tmpfs', 'fsb-test', onTmpfs);
    try {
      expect(launch('spread', onExt4, onTmpfs)).toMatchObject({ status: 0, stderr: '' });
      expect(run('lsattr', '-d', onExt4)).toMatch(/^\S*T/);
      expect(launch('spread', join(directory, 'missing')).stderr).toContain('open directory');
    } finally {
      run('umount', onExt4, onTmpfs);
    }
  });
});
