import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { STOPPING } from '../../../src/cli/command/interruption.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { encodeStart } from '../../../src/core/runtime/oci/launcher/launch-frames.ts';
import { Launcher, type LaunchOptions } from '../../../src/core/runtime/oci/launcher/launcher.ts';
import { launchBinary } from '../../helpers/guest/guest-programs.ts';

let launcher: Launcher;
let directory: string;

beforeEach(async () => {
  launcher = new Launcher(launchBinary, systemClock);
  directory = await mkdtemp(join(tmpdir(), 'fsb-launcher-'));
});

afterEach(async () => {
  await launcher.close();
  await rm(directory, { recursive: true });
});

const sh = (script: string, options: Partial<LaunchOptions> = {}) =>
  launcher.run(['run', 'sh', '-c', script], { timeoutMs: 10_000, ...options });

/** Processes of this test: they name its directory on their command line. */
const running = (): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory);
    } catch {
      return false;
    }
  });

/** A group of two that goes on until it is killed. */
const lasting = (): string => `: ${directory}; sleep 1000 & echo > ${directory}/up; wait`;
const isUp = () => vi.waitFor(() => readFile(join(directory, 'up'), 'utf8'), 10_000);

describe('Launcher.run', () => {
  it('tells how it ended and what it said', async () => {
    expect(await sh('echo out; echo err >&2; exit 3')).toEqual({ code: 3, signal: null, stderr: 'err\n' });
    expect(await sh('kill -9 $$')).toEqual({ code: null, signal: 'SIGKILL', stderr: '' });
    expect(await launcher.run(['run', '/no/such/program'], { timeoutMs: 1000 })).toEqual({
      code: 125,
      signal: null,
      stderr: 'fsb-launch: execute /no/such/program: No such file or directory\n',
    });
  });

  it('runs many at once, and tells each its own end', async () => {
    const codes = Array.from({ length: 200 }, (_, i) => i % 100);
    const results = await Promise.all(codes.map((code) => sh(`exit ${code}`)));
    expect(results.map(({ code }) => code)).toEqual(codes);
  });

  it('passes on nothing of the core', async () => {
    process.env.FSB_TEST_SECRET = 'secret';
    const { stderr } = await sh(
      'env >&2; ls -l /proc/self/fd >&2; grep SigIgn /proc/self/status >&2; grep SigBlk /proc/self/status >&2',
    );
    delete process.env.FSB_TEST_SECRET;
    expect(stderr).not.toMatch(/secret|NODE_|socket:/);
    expect(stderr).toMatch(/SigIgn:\t0+\nSigBlk:\t0+\n/);
  });

  it('keeps the beginning of what is said without end', async () => {
    const { stderr } = await sh('head -c 10000000 /dev/zero | tr "\\0" x >&2');
    expect(stderr.length).toBe(64 * 1024);
  });

  it('kills the whole group at the deadline, or when it is aborted', async () => {
    await expect(sh(lasting(), { timeoutMs: 300 })).rejects.toMatchObject({ code: 'run_failed' });
    expect(running()).toEqual([]);
    const abort = new AbortController();
    const aborted = sh(lasting(), { signal: abort.signal });
    await isUp();
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'cancelled' });
    await vi.waitFor(() => expect(running()).toEqual([]), 20_000);
    await expect(sh('true', { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('does not wait for what left the group and holds on to its output', async () => {
    const abort = new AbortController();
    const mark = join(directory, 'up');
    const ended = sh(
      `setsid sh -c 'echo $$ > ${mark}.new; mv ${mark}.new ${mark}; exec sleep 1000' & exit 0`,
      {
        signal: abort.signal,
      },
    );
    const left = Number(await isUp());
    abort.abort();
    await expect(ended).rejects.toMatchObject({ code: 'cancelled' });
    process.kill(left, 'SIGKILL');
  });

  it('gives way to others until somebody waits for it', async () => {
    const hurry = new AbortController();
    const priority = 'cut -d" " -f19 /proc/self/stat >&2';
    const raised = sh(
      `${priority}; echo > ${directory}/up; while [ $(cut -d' ' -f19 /proc/$$/stat) != 0 ]; do :; done; ${priority}`,
      {
        lowUntil: hurry.signal,
      },
    );
    await isUp();
    hurry.abort();
    expect((await raised).stderr).toBe('10\n0\n');
    expect((await sh(priority)).stderr).toBe('0\n');
    expect((await sh(priority, { lowUntil: hurry.signal })).stderr).toBe('0\n');
  });

  it('raises what has a session of its own, too', async () => {
    const hurry = new AbortController();
    const up = `${directory}/up`;
    const child = `echo > ${up}; while [ -e ${up} ] && [ $(cut -d" " -f19 /proc/$$/stat) != 0 ]; do :; done`;
    const raised = sh(`setsid sh -c '${child}' & wait`, { lowUntil: hurry.signal });
    await isUp();
    hurry.abort();
    expect(await raised).toMatchObject({ code: 0 });
  });

  it('goes on with a new server when the old one was killed', async () => {
    const cut = expect(sh(lasting())).rejects.toMatchObject({ code: 'run_failed' });
    await isUp();
    const [server] = await serversOf(process.pid);
    process.kill(server!, 'SIGKILL');
    await cut;
    expect(await sh('exit 4')).toMatchObject({ code: 4 });
  });

  it('refuses further ones when there are too many', async () => {
    const sleep = () => launcher.run(['run', 'sleep', '1000'], { timeoutMs: 60_000 });
    const many = Array.from({ length: 1024 }, () => sleep().catch((error) => error.code));
    const last = await sh('true');
    expect(last).toMatchObject({ code: 125, stderr: expect.stringContaining('temporarily unavailable') });
    await launcher.close();
    expect(new Set(await Promise.all(many))).toEqual(new Set(['run_failed']));
    expect(await sh('true')).toMatchObject({ code: 0 });
  });
});

describe('Launcher.close', () => {
  it('ends everything, and again is fine', async () => {
    const cut = expect(sh(lasting())).rejects.toMatchObject({ code: 'run_failed' });
    await isUp();
    await launcher.close();
    await cut;
    expect(running()).toEqual([]);
    expect(await serversOf(process.pid)).toEqual([]);
    await launcher.close();
  });
});

describe('fsb-launch serve', () => {
  const garbage: [string, Buffer][] = [
    ['a length below its header', Buffer.from([4, 0, 0, 0, 1, 0, 0, 0])],
    ['a length above the limit', Buffer.from([1, 0, 16, 0])],
    ['an unknown kind', Buffer.from([5, 0, 0, 0, 1, 0, 0, 0, 9])],
    ['a start without words', Buffer.from([5, 0, 0, 0, 1, 0, 0, 0, 1])],
    ['a word without its end', Buffer.from([7, 0, 0, 0, 1, 0, 0, 0, 1, 0, 65])],
    ['an unknown flag', Buffer.from([8, 0, 0, 0, 1, 0, 0, 0, 1, 2, 65, 0])],
    [
      'an id twice',
      Buffer.concat([encodeStart(1, ['run', 'sleep', '1'], false), encodeStart(1, ['run', 'true'], false)]),
    ],
  ];

  it.each(garbage)('ends at %s', async (_, bytes) => {
    const server = spawn(launchBinary, ['serve'], { stdio: ['pipe', 'ignore', 'pipe'] });
    server.stdin.on('error', () => {});
    server.stdin.write(bytes);
    const [code] = await once(server, 'exit');
    expect(code).toBe(125);
  });

  it('outlives the signals that reach the whole group of its core', async () => {
    await sh('true');
    const [server] = await serversOf(process.pid);
    for (const [signal] of STOPPING) process.kill(server!, signal);
    expect(await sh('exit 5')).toMatchObject({ code: 5 });
    expect(await serversOf(process.pid)).toEqual([server]);
  });

  it('takes everything with it when its core is killed', async () => {
    const script = join(import.meta.dirname, 'launcher-killed-core.ts');
    const tsx = join(import.meta.dirname, '../../../node_modules/.bin/tsx');
    await promisify(execFile)(tsx, [script, launchBinary, lasting(), join(directory, 'up')]).catch(
      () => undefined,
    );
    await vi.waitFor(() => expect(running()).toEqual([]), 10_000);
  });
});

/** The launch servers that are children of a process. */
async function serversOf(parent: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['--ppid', String(parent), '-o', 'pid=,args=']);
  return stdout
    .split('\n')
    .filter((line) => line.includes('fsb-launch serve'))
    .map((line) => Number.parseInt(line, 10));
}
