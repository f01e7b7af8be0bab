import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive, readProcessStat } from '../../../src/core/runtime/oci/process-identity.ts';
import { launchBinary } from './oci-fixture.ts';

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

  it('outlives the signals of a terminal', async () => {
    const holder = await hold();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) holder.kill(signal);
    expect(launch('lock', lockFile()).status).toBe(75);
  });

  it('says why a lock file cannot be used', () => {
    const { status, stderr } = launch('lock', '/no/such/directory/lock');
    expect(status).toBe(125);
    expect(stderr).toBe('fsb-launch: open lock file /no/such/directory/lock: No such file or directory\n');
  });
});

describe('fsb-launch end', () => {
  it('kills what has this start time and waits for it', async () => {
    const child = start('sleep', '1000');
    await once(child, 'spawn');
    const { startTime } = readProcessStat(child.pid!)!;
    expect(launch('end', `${child.pid}:${startTime + 1}`).status).toBe(0);
    expect(isAlive({ pid: child.pid!, startTime })).toBe(true);
    expect(launch('end', '--wait', '5000', `${child.pid}:${startTime}`, '4194305:1').status).toBe(0);
    expect(isAlive({ pid: child.pid!, startTime })).toBe(false);
  });
});

describe('fsb-launch boot', () => {
  const overlay = ['--overlay', '/', '--lower', '/usr', '--upper', '/no/upper', '--work', '/no/work'];
  const needed = (): string[] => ['--socket', join(directory, 's'), '--rootfs', directory];

  it.each([
    [[], 'option --socket: missing'],
    [['--socket'], 'option --socket: needs a value'],
    [['--lower', '/usr'], 'option --lower: belongs behind an --overlay'],
    [['--bogus', 'x'], 'option --bogus: unknown'],
  ])('refuses %j', (args, reason) => {
    expect(launch('boot', ...args)).toMatchObject({ status: 125, stderr: `fsb-launch: ${reason}\n` });
  });

  it('names the step, the path and the reason', () => {
    const { status, stderr } = launch('boot', ...needed(), ...overlay, '--', '/bin/true');
    expect(status).toBe(125);
    expect(stderr).toBe('fsb-launch: open upper directory /no/upper: No such file or directory\n');
  });

  it('refuses socket paths that do not fit', () => {
    const long = join(directory, 'x'.repeat(120));
    const { stderr } = launch('boot', '--socket', long, '--rootfs', directory, ...overlay, '--', '/bin/true');
    expect(stderr).toMatch(new RegExp(`^fsb-launch: bind socket ${long}: File ?name too long\n$`));
  });

  it('hands on a listening socket as descriptor 3, and nothing else', async () => {
    const dirs = ['lower', 'upper', 'work', 'root'].map((name) => join(directory, name));
    spawnSync('mkdir', dirs);
    const [lower, upper, work, root] = dirs;
    const result = join(directory, 'descriptors');
    const args = ['--overlay', '/', '--lower', lower!, '--upper', upper!, '--work', work!];
    const script = `exec 4>"${result}"; for f in 0 1 2 3 5 6 7 8 9; do readlink /proc/$$/fd/$f >&4; done; grep -c ' ${root} .*overlay' /proc/self/mountinfo >&4`;
    const options = {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
      encoding: 'utf8',
    } as const;
    const socket = join(directory, 's');
    const all = ['boot', '--socket', socket, '--rootfs', root!, ...args, '--', '/bin/bash', '-c', script];
    expect(spawnSync(launchBinary, all, { ...options, stdio: [...options.stdio] })).toMatchObject({
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
