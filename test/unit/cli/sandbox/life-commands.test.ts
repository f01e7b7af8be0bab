import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeOf, labelChanges } from '../../../../src/cli/spec/change-flags.ts';
import {
  type CommandLineOptions,
  runCommandLine,
  startCommandLine,
} from '../../../helpers/cli/command-line.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

let core: HostCore;
const fsb = (line: string | string[], options: CommandLineOptions = {}) =>
  runCommandLine(typeof line === 'string' ? line.split(' ') : line, { core, ...options });
const get = async (name: string) => JSON.parse((await fsb(`get ${name} -o json`)).stdout);
const shell = (name: string, script: string, ...flags: string[]) =>
  fsb(['run', name, ...flags, '--image', 'host', '--', 'sh', '-c', script]);

beforeEach(() => {
  core = hostCore();
});

afterEach(async () => {
  expect(core.openSessions.size).toBe(0);
  await core.close();
});

describe('stop, start, restart, reset', () => {
  it('do it to all, echo each in the order given, report every failure', async () => {
    for (const name of ['a', 'b']) await fsb(`run ${name} --image host sleep 60`);
    for (const verb of ['stop', 'start', 'restart', 'reset', 'pause', 'unpause', 'update --ttl 1h', 'kill']) {
      const { code, stdout, stderr } = await fsb(`${verb} b nobody a`);
      expect([verb, code, stdout]).toEqual([verb, 3, 'b\na\n']);
      expect(stderr).toContain('nobody');
    }
    const named = await fsb('stop a a b -o json');
    expect(JSON.parse(named.stdout)).toEqual(['a', 'b'].map((name) => ({ name, namespace: 'default' })));
  });

  it('of one by its id tell people the word that they typed, and programs its name', async () => {
    await fsb('run a --image host sleep 60');
    const { id } = await get('a');
    const known = { ...core.sandboxes, pause: () => core.sandboxes.get({ namespace: 'default', name: 'a' }) };
    const options = { core: { ...core, sandboxes: known } as unknown as HostCore };
    expect((await fsb(`pause ${id}`, options)).stdout).toBe(`${id}\n`);
    const { stdout } = await fsb(`pause ${id} -o json`, options);
    expect(JSON.parse(stdout)).toEqual([{ name: 'a', namespace: 'default' }]);
  });

  it('take the grace as docker does, in seconds or as a duration', async () => {
    for (const grace of ['-t 0', '--time 0', '--grace 1ms']) {
      await shell('box', 'trap "" TERM; echo deaf; while :; do sleep 0.1; done');
      while (!(await fsb('logs box')).stdout.includes('deaf')) await delay(5);
      expect((await fsb(`stop ${grace} box`)).stdout).toBe('box\n');
      expect(await get('box')).toMatchObject({ phase: 'Exited', signal: 'SIGKILL' });
      await fsb('delete box');
    }
    expect(await fsb('stop -t soon box')).toMatchObject({ code: 2, stdout: '' });
    expect((await fsb('stop')).code).toBe(2);
  });

  it.each([
    ['stop', 'its grace period is over'],
    ['restart -t 4', '4s are over'],
    ['reset -t 1m', '1m are over'],
    ['delete --grace 1m', '1m are over'],
  ])('%s says at a terminal what it waits for, when that takes long', async (line, when) => {
    await fsb('run box --image host sleep 60');
    const clock = createManualClock();
    let ends: (() => void) | undefined;
    const end = (): Promise<void> =>
      new Promise((resolve) => {
        ends = resolve;
      });
    const slow = {
      ...core,
      sandboxes: { ...core.sandboxes, stop: end, restart: end, reset: end, delete: end },
    };
    const options = { core: slow as unknown as typeof core, clock };
    for (const tty of [true, false]) {
      const waiting = startCommandLine([...line.split(' '), 'box'], { ...options, tty });
      await expect.poll(() => ends).toBeDefined();
      await clock.advance(1000);
      expect(waiting.stderr.text).toBe(tty ? `Waiting for box to end: it is killed when ${when}\n` : '');
      ends?.();
      expect(await waiting.code).toBe(0);
      expect(clock.pending).toBe(0);
      ends = undefined;
    }
  });

  it('start joins one, with its output from the beginning and its code', async () => {
    await shell('job', 'echo out; echo err >&2; exit 7');
    await fsb('wait job');
    const { code, stdout, stderr } = await fsb('start --attach job');
    expect([code, stdout, stderr]).toEqual([7, 'out\n', 'err\n']);
    await shell('echo', 'cat', '-i');
    await fsb('stop echo');
    expect(await fsb('start -i echo', { input: 'through\n' })).toMatchObject({
      code: 0,
      stdout: 'through\n',
    });
    expect(await fsb('start -a job echo')).toMatchObject({ code: 2, stderr: expect.stringContaining('one') });
    expect(await fsb('start -a nobody')).toMatchObject({ code: 3 });
  });

  it('of one that has a terminal needs one, and starts or joins nothing without', async () => {
    await shell('tty', 'exit 7', '-d', '-it');
    await fsb('wait tty');
    const { id } = await get('tty');
    const why = 'Error: tty was created with -t, and standard input is no terminal\n';
    expect(await fsb('start -ai tty')).toEqual({
      code: 2,
      stdout: '',
      stderr: `${why}Hint: Leave out -i: --attach alone shows its output.\n`,
    });
    expect((await get('tty')).id).toBe(id);
    expect(await fsb('attach tty')).toMatchObject({
      code: 2,
      stderr: `${why}Hint: Give --no-stdin: it shows what is written from now on.\n`,
    });
    expect(await fsb('start -a tty')).toMatchObject({ code: 7 });
  });
});

it('kill sends SIGKILL, or the signal that is named', async () => {
  await shell('box', 'trap "exit 9" USR1; echo up; while :; do sleep 0.05; done');
  expect(await fsb('kill -s NONE box')).toMatchObject({ code: 2, stderr: expect.stringContaining('NONE') });
  await expect.poll(async () => (await fsb('logs box')).stdout).toBe('up\n');
  expect((await fsb('kill -s USR1 box')).stdout).toBe('box\n');
  expect(await fsb('wait box')).toMatchObject({ code: 0, stdout: '9\n' });
  await fsb('start box');
  await fsb('kill box');
  expect((await fsb('wait box')).stdout).toBe('137\n');
  expect(await fsb('kill box')).toMatchObject({ code: 4 });
});

it('wait prints every code in the order given, also as JSON', async () => {
  await shell('slow', 'sleep 0.2; exit 3');
  await shell('quick', 'exit 4');
  expect(await fsb('wait slow nobody quick')).toMatchObject({
    code: 3,
    stdout: '3\n4\n',
    stderr: expect.stringContaining('nobody'),
  });
  const { stdout } = await fsb('wait slow quick -o json');
  expect(JSON.parse(stdout)).toEqual([
    { name: 'slow', namespace: 'default', exit_code: 3 },
    { name: 'quick', namespace: 'default', exit_code: 4 },
  ]);
});

describe('attach', () => {
  it('joins the command with input, and exits with its code', async () => {
    await shell('box', 'read line; echo "got $line"; exit 5', '-d', '-i');
    const { code, stdout } = await fsb('attach box', { input: 'a line\n' });
    expect([code, stdout]).toEqual([5, 'got a line\n']);
    expect(await fsb('attach box')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('not running'),
    });
  });

  it('sends no input to one that takes none, and none with --no-stdin', async () => {
    await shell('box', 'sleep 0.3; exit 6');
    expect(await fsb('attach box', { input: 'x' })).toMatchObject({ code: 6 });
    await shell('cat', 'sleep 0.3; exit 2', '-d', '-i');
    expect(await fsb('attach --no-stdin cat', { input: 'x' })).toMatchObject({ code: 2 });
    expect(await fsb('attach --detach-keys ctrl-ä cat')).toMatchObject({ code: 2 });
  });
});

it('pause shows in tables as Paused, for programs as a running one that is paused', async () => {
  await fsb('run box --image host sleep 60');
  await fsb('pause box');
  expect((await fsb('list')).stdout).toMatch(/\nbox .* Paused /);
  expect((await fsb('get box')).stdout).toMatch(/Phase: +Paused\n/);
  expect(await get('box')).toMatchObject({ phase: 'Running', paused: true });
  expect(await fsb('exec box true')).toMatchObject({ code: 4, stderr: expect.stringContaining('paused') });
  const forward = startCommandLine(['port-forward', 'box', '0:80'], { core });
  await forward.stdout.until('Forwarding from');
  forward.events.emit('SIGINT');
  expect([await forward.code, forward.stderr.text]).toEqual([
    130,
    'Warning: box is paused, and connections fail until: fsb-ctl unpause box\n',
  ]);
  await fsb('unpause box');
  expect(await get('box')).toMatchObject({ phase: 'Running', paused: false });
});

it('rename prints the new name', async () => {
  await fsb('run box --image host sleep 60');
  expect(await fsb('rename box crate')).toEqual({ code: 0, stdout: 'crate\n', stderr: '' });
  expect((await fsb('get box')).code).toBe(3);
  expect(await fsb('rename crate Crate')).toMatchObject({ code: 2 });
});

describe('update', () => {
  it('changes what the flags name', async () => {
    await fsb('run box --image host -l team=red -l owner=me sleep 60');
    await fsb('update box --label team=blue --label owner- --memory 64m --cpus 0.5 --recovery-timeout 5m');
    expect((await get('box')).spec).toMatchObject({
      labels: { team: 'blue' },
      resources: { memory: 64 * 1024 * 1024, cpus: 0.5, pids: 256 },
      recovery_timeout_seconds: 300,
    });
    expect((await get('box')).labels).toEqual({ team: 'blue' });
    await fsb('update box --expire-time 4102444800');
    expect((await get('box')).expires_at).toBe('2100-01-01T00:00:00.000Z');
    for (const never of ['--ttl none', '--expire-time 0']) {
      await fsb('update box --ttl 1h');
      expect((await get('box')).expires_at).not.toBe(null);
      await fsb(`update box ${never}`);
      expect((await get('box')).expires_at).toBe(null);
    }
  });

  it('names two flags that exclude each other, without what they were given', async () => {
    expect(await fsb('update box --ttl 5m --expire-time 0')).toEqual({
      ...{ code: 2, stdout: '' },
      stderr:
        'Error: --ttl cannot also be provided when using --expire-time\nHint: See fsb-ctl update --help.\n',
    });
  });

  it.each([
    'update box',
    'update box --ttl soon',
    'update box --ttl 0s',
    'update box --ttl 5s --expire-time 5',
    'update box --label team',
    'update box --recovery-timeout 1500ms',
    'update box --memory 1k',
    'update box --failure-policy sometimes',
  ])('%s is wrong usage', async (line) => {
    await fsb('run box --image host sleep 60');
    expect(await fsb(line)).toMatchObject({ code: 2, stdout: '' });
  });

  it('has a word for never: a ttl of 0 is refused, as run does', async () => {
    const { stderr } = await fsb('update box --ttl 0');
    expect(stderr).toBe('Error: --ttl: must be longer than 0\nHint: Without an end it is --ttl none.\n');
  });

  it('calls what is changed by the names that a spec has', async () => {
    await fsb('run box --image host sleep 60');
    const { stderr } = await fsb('update box --failure-policy sometimes');
    expect(stderr).toContain('invalid change of a sandbox: failure_policy (--failure-policy): unknown');
  });

  it('reads labels', () => {
    expect(labelChanges(['a=1', 'b-', 'c=x-', 'd='])).toEqual({ a: '1', b: null, c: 'x-', d: '' });
    expect(labelChanges(['a-', 'a=3', 'b=1', 'b-'])).toEqual({ a: '3', b: null });
    expect(() => labelChanges(['=1'])).toThrow('has no name');
    expect(() => labelChanges(['-'])).toThrow('neither K=V nor K-');
    expect(changeOf({ ttl: 0 })).toEqual({ ttl: 0 });
  });
});
