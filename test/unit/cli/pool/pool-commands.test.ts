import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import type { SandboxApi } from '../../../../src/core/api/sandbox-api.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import {
  type CommandLineOptions,
  runCommandLine,
  startCommandLine,
} from '../../../helpers/cli/command-line.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

let core: HostCore;
let directory: string;
const fsb = (line: string | string[], options: CommandLineOptions = {}) =>
  runCommandLine(typeof line === 'string' ? line.split(' ') : line, { core, cwd: directory, ...options });
const sh = (script: string, ...flags: string[]) => fsb(['pool', 'run', ...flags, 'sh', '-c', script]);
const lease = async (...flags: string[]): Promise<string> =>
  (await fsb(['pool', 'run', '--lease', ...flags])).stdout.trim();
const claimed = async (): Promise<number> => (await core.pools.get('default-pool')).claimed;

beforeEach(async () => {
  core = hostCore(['host', 'alpine']);
  directory = await mkdtemp(join(tmpdir(), 'fsb-cli-'));
});

afterEach(async () => {
  expect(core.openSessions.size).toBe(0);
  await core.close();
  await rm(directory, { recursive: true });
});

describe('pool run', () => {
  it('runs what the image says when no command is named', async () => {
    const shell = await fsb('pool run -i', { input: 'echo its shell\n' });
    expect(shell).toEqual({ code: 0, stdout: 'its shell\n', stderr: '' });
  });

  it('gives each stream where it belongs, the command`s own code, and the instance back', async () => {
    expect(await sh('echo out; echo err >&2; exit 7')).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\n' });
    expect(await claimed()).toBe(0);
  });

  it('gives the command its words as they are', async () => {
    const words = ['%s|', '-q', '--help', '', 'a', '--', '--pool', '-n'];
    const { code, stdout } = await fsb(['pool', 'run', '-q', 'printf', ...words]);
    expect([code, stdout]).toEqual([0, '-q|--help||a|--|--pool|-n|']);
    expect((await fsb('pool run -- ls --help')).stdout).toContain('List information');
  });

  it.each([
    ['exit 124', 124],
    ['kill -9 $$', 137],
    ['kill -TERM $$', 143],
  ])('%j exits with %i', async (script, code) => expect((await sh(script)).code).toBe(code));

  it('says 127 for what is not there, and frees the instance', async () => {
    const { code, stderr } = await fsb('pool run no-such-command');
    expect([code, stderr]).toEqual([127, expect.stringContaining('no-such-command')]);
    expect(await claimed()).toBe(0);
  });

  it('sends stdin with -i only', async () => {
    expect((await fsb('pool run -i wc -c', { input: 'x'.repeat(200_000) })).stdout.trim()).toBe('200000');
    const line = startCommandLine('pool run cat'.split(' '), { core, input: 'not yours' });
    expect([await line.code, line.stdout.text]).toEqual([0, '']);
    expect(line.stdin.read()?.toString()).toBe('not yours');
  });

  it('takes variables, a directory, and what it is to be booted with', async () => {
    await writeFile(join(directory, 'vars'), 'A=1\nB=1\n');
    const own = ['--env-file', 'vars', '-e', 'B=2', '-e', 'C', '-w', '/tmp'];
    const boot = [
      '--image',
      'alpine',
      '--memory',
      '64m',
      '--cpus',
      '0.5',
      '--pids',
      '9',
      '--on-empty',
      'boot',
    ];
    const line = ['pool', 'run', ...own, ...boot, '--', 'sh', '-c', 'echo $A $B $C; pwd'];
    expect((await fsb(line, { env: { C: 'own' } })).stdout).toBe('1 2 own\n/tmp\n');
    const { shapes } = await core.pools.get('default-pool');
    expect(shapes.map(({ image, misses }) => [image, misses])).toContainEqual(['alpine', 1]);
  });

  it('passes signals on, and forces its way out at the third interrupt', async () => {
    const loop = 'trap "echo got; exit 3" TERM; trap "" INT; echo up; while :; do sleep 0.05; done';
    const line = startCommandLine(['pool', 'run', 'sh', '-c', loop], { core });
    await line.stdout.until('up');
    for (let i = 0; i < 3; i++) line.events.emit('SIGINT');
    await line.stderr.until('may run on; see fsb-ctl pool status.\n');
    await vi.waitFor(() => expect(line.forced).toEqual([130]), 20_000);
    line.events.emit('SIGTERM');
    expect([await line.code, line.stdout.text]).toEqual([3, 'up\ngot\n']);
    expect(line.events.eventNames()).toEqual([]);
  });

  it('is a terminal with -t; its keys end nothing', async () => {
    const script = 'stty size; read line; echo "got $line"; exit 4';
    const line = startCommandLine(['pool', 'run', '-it', '--', 'sh', '-c', script], { core, tty: true });
    await line.stdout.until('24 80');
    expect(line.stdin.isRaw).toBe(true);
    line.stdin.write('typed\r');
    expect(await line.code).toBe(4);
    expect(line.stdin.rawModes).toEqual([true, false]);
  });

  it('ends the command when its time is up: 124', async () => {
    const { code, stderr } = await fsb('pool run --timeout 200ms sleep 60');
    expect([code, stderr]).toEqual([124, expect.stringContaining('not done within 200ms')]);
    expect(await claimed()).toBe(0);
  });

  describe('when nothing is free', () => {
    let held: string;
    beforeEach(async () => {
      await fsb('pool stop');
      await fsb('pool start --size 1 --max 1');
      held = await lease();
    });

    it.each([
      ['the pool`s patience is over', 'pool run --wait 50ms true'],
      ['it may not wait', 'pool run --on-empty fail true'],
    ])('exits with 5 when %s', async (_, line) => {
      const { code, stderr } = await fsb(line);
      expect([code, stderr]).toEqual([5, expect.stringContaining('default-pool')]);
    });

    it.each([true, false])('says why nothing happens, to people only: terminal %s', async (tty) => {
      const clock = createManualClock();
      const waiting = startCommandLine('pool run true'.split(' '), { core, clock, tty });
      await expect.poll(async () => (await core.pools.get('default-pool')).waiting).toBe(1);
      await clock.advance(999);
      expect(waiting.stderr.text).toBe('');
      await clock.advance(1);
      const told = 'Waiting for an instance of pool default-pool: see fsb-ctl pool status default-pool\n';
      expect(waiting.stderr.text).toBe(tty ? told : '');
      await core.pools.release(held);
      expect(await waiting.code).toBe(0);
      expect(clock.pending).toBe(0);
    });

    it.each([
      ['', true],
      ['-q', false],
      ['-o json', false],
    ])('says so to a log, too, where run waits: %s', async (flags, says) => {
      let free = (): void => undefined;
      const clock = createManualClock();
      const line = `run box --image host ${flags} -- sleep 60`.split(' ').filter(Boolean);
      const full = new Promise<void>((resolve) => {
        free = resolve;
      });
      const create: SandboxApi['create'] = async (request) => {
        await full;
        return core.sandboxes.create(request);
      };
      const busy = { ...core, sandboxes: { ...core.sandboxes, create } };
      const waiting = startCommandLine(line, { core: busy, clock });
      await expect.poll(() => clock.pending).toBe(1);
      await clock.advance(1_000);
      const told = 'Waiting for an instance of pool default-pool: see fsb-ctl pool status default-pool\n';
      expect(waiting.stderr.text).toBe(says ? told : '');
      await core.pools.release(held);
      free();
      expect(await waiting.code).toBe(0);
      expect(clock.pending).toBe(0);
    });

    it.each(['pool run true', 'pool run --lease'])(
      'exits with 124 when its time is up, as run does: %s',
      async (line) => {
        const clock = createManualClock();
        const waiting = startCommandLine(
          [...'pool run --timeout 5s'.split(' '), ...line.split(' ').slice(2)],
          {
            core,
            clock,
          },
        );
        await expect.poll(async () => (await core.pools.get('default-pool')).waiting).toBe(1);
        await clock.advance(5000);
        expect([await waiting.code, waiting.stderr.text]).toEqual([
          124,
          expect.stringMatching(/Error: not done within 5s\nHint: .*--timeout/),
        ]);
        expect((await core.pools.get('default-pool')).waiting).toBe(0);
      },
    );

    it('leaves without a trace at ctrl-C', async () => {
      const line = startCommandLine('pool run true'.split(' '), { core });
      await expect.poll(async () => (await core.pools.get('default-pool')).waiting).toBe(1);
      line.events.emit('SIGINT');
      expect([await line.code, line.stderr.text]).toEqual([130, '']);
      expect((await core.pools.get('default-pool')).waiting).toBe(0);
    });

    it('goes on when one is released', async () => {
      const line = startCommandLine('pool run echo at last'.split(' '), { core });
      await expect.poll(async () => (await core.pools.get('default-pool')).waiting).toBe(1);
      await fsb(`pool release ${held}`);
      expect([await line.code, line.stdout.text]).toEqual([0, 'at last\n']);
    });
  });

  it.each([
    ['pool run -t sh', 2, '-t needs a terminal, and standard input is not one'],
    ['pool run -v here:there true', 2, 'invalid volume'],
    ['pool run --lease-ttl 5m true', 2, '--lease'],
    ['pool run --detach-keys a true', 2, '--lease'],
    ['pool run --wait soon true', 2, '--wait: invalid duration "soon"'],
    ['pool run --imgae x true', 2, 'Did you mean --image?'],
    ['pool run --pool defualt-pool true', 3, 'Did you mean default-pool?'],
    ['pool run --image nope true', 3, 'nope'],
  ])('%s fails with %i', async (line, code, part) => {
    const result = await fsb(line);
    expect([result.code, result.stdout, result.stderr]).toEqual([code, '', expect.stringContaining(part)]);
  });
});

describe('leases', () => {
  it('prints the id alone when nobody reads a table, and with -q', async () => {
    const piped = await fsb('pool run --lease');
    expect(piped).toEqual({ code: 0, stdout: expect.stringMatching(/^\S+\n$/), stderr: '' });
    const quiet = startCommandLine('pool run --lease -q'.split(' '), { core, tty: true });
    await quiet.code;
    expect(quiet.stdout.text).toMatch(/^\S+\n$/);
    const table = startCommandLine('pool run --lease'.split(' '), { core, tty: true });
    await table.code;
    expect(table.stdout.text).toMatch(/^LEASE +POOL .*\n\S+ +default-pool +host /);
    expect((await fsb('pool run --lease -o wide')).stdout).toMatch(/^LEASE +POOL .*START\n/);
    expect(JSON.parse((await fsb('pool run --lease --lease-ttl 90s -o json')).stdout)).toMatchObject({
      ...{ pool: 'default-pool', image: 'host', ttl_ms: 90_000, running: 0 },
    });
  });

  it('runs commands in one, until it is released', async () => {
    const id = await lease();
    const { code, stdout } = await fsb(['pool', 'exec', id, '-e', 'A=1', 'sh', '-c', 'echo $A; exit 6']);
    expect([code, stdout]).toEqual([6, '1\n']);
    expect((await fsb('pool leases -q')).stdout).toBe(`${id}\n`);
    expect(await fsb(`pool release ${id}`)).toEqual({ code: 0, stdout: `${id}\n`, stderr: '' });
    expect((await fsb(`pool exec ${id} true`)).code).toBe(3);
    expect((await fsb('pool leases -q')).stdout).toBe('');
  });

  it('runs a command in a new one, and says which on stderr only', async () => {
    const { code, stdout, stderr } = await sh('echo out; exit 3', '--lease');
    const [id] = (await fsb('pool leases -q')).stdout.split('\n');
    expect([code, stdout, stderr]).toEqual([3, 'out\n', `Lease: ${id}\n`]);
    const json = await sh('echo out', '--lease', '-o', 'json');
    expect(JSON.parse(json.stderr)).toEqual({ lease: expect.stringMatching(/^\S+$/) });
    expect(json.stdout).toBe('out\n');
  });

  it('goes on without its caller: detach keys and -d', async () => {
    const line = startCommandLine('pool run --lease -it -- sh -c'.split(' ').concat('echo up; sleep 60'), {
      core,
      tty: true,
    });
    await line.stdout.until('up');
    line.stdin.write('\u0010\u0011');
    expect(await line.code).toBe(0);
    const [id] = (await fsb('pool leases -q')).stdout.split('\n');
    expect(line.stderr.text).toContain(`Detached; the command goes on in lease ${id}.`);
    expect(await fsb(`pool exec -d ${id} sleep 60`)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(JSON.parse((await fsb('pool leases -o json')).stdout)).toMatchObject([{ id, running: 2 }]);
  });

  it('releases all, echoes in argument order, reports every failure, exits by the worst', async () => {
    const [a, b, c] = [await lease(), await lease(), await lease()];
    const some = await fsb(`pool release ${b} nope ${a} never ${b}`);
    expect([some.code, some.stdout]).toEqual([3, `${b}\n${a}\n`]);
    expect(some.stderr.match(/^Error: .*(nope|never)/gm)).toHaveLength(2);
    expect(JSON.parse((await fsb(`pool release ${c} -o json`)).stdout)).toEqual([{ name: c }]);
    expect((await fsb('pool release')).code).toBe(2);
  });
});

describe('pool create, update, get, list and delete', () => {
  it('makes one from flags, a file, standard input; flags win', async () => {
    await writeFile(
      join(directory, 'pool.yaml'),
      'name: ci\nwarm: [{image: host}]\nsize: 3\ncapacity: {max: 6}\n',
    );
    expect((await fsb('pool create a --warm host=1 --max 2')).stdout).toMatch(/^NAME .*\na +active +host=1 /);
    expect((await fsb('pool create -f pool.yaml --max 5 -q')).stdout).toBe('ci\n');
    const json = '{"name": "b", "warm": [{"image": "alpine", "count": 1}]}';
    expect(JSON.parse((await fsb('pool create -f - -o json', { input: json })).stdout)).toMatchObject({
      name: 'b',
      policy: { warm: [{ image: 'alpine', count: 1 }] },
    });
    const ci = JSON.parse((await fsb('pool get ci -o json')).stdout);
    expect(ci.policy).toMatchObject({ warm: [{ image: 'host', count: 3 }], capacity: { min: 0, max: 5 } });
    expect(ci.instances).toHaveLength(3);
    expect((await fsb('pool ls -q')).stdout).toBe('a\nb\nci\ndefault-pool\n');
    expect((await fsb('pool create ci --warm host')).code).toBe(4);
  });

  it('takes what another one shows as its policy', async () => {
    const { policy } = JSON.parse((await fsb('pool get default-pool -o json')).stdout);
    const input = JSON.stringify({ ...policy, name: 'copy' });
    const made = JSON.parse((await fsb('pool create -f - -o json', { input })).stdout);
    expect(made.policy).toEqual({ ...policy, name: 'copy' });
  });

  it('makes again what get prints', async () => {
    await fsb('pool create ci --warm host=2 --max 4 --ttl 1m');
    const { stdout: input } = await fsb('pool get ci -o yaml');
    const before = JSON.parse((await fsb('pool get ci -o json')).stdout);
    await fsb('pool delete ci --force');
    const made = JSON.parse((await fsb('pool create -f - -o json', { input })).stdout);
    expect(made.policy).toEqual(before.policy);
  });

  it('changes what is named, and nothing else', async () => {
    await fsb('pool create ci --warm host=2 --max 4 --ttl 1m');
    const changed = JSON.parse((await fsb('pool update ci --max 6 --pause-idle -o json')).stdout);
    expect(changed.policy).toMatchObject({
      warm: [{ image: 'host', count: 2 }],
      ttl: '1m',
      pause_idle: true,
    });
    expect(changed.policy.capacity).toMatchObject({ max: 6 });
    const input = 'name: ci\ncapacity: {max: 9}\n';
    const again = JSON.parse((await fsb('pool update ci -f - --no-pause-idle -o json', { input })).stdout);
    expect(again.policy).toMatchObject({ pause_idle: false, ttl: '1m', capacity: { max: 9 } });
  });

  it.each([
    ['pool update default-pool', '', 'nothing to change'],
    ['pool update default-pool --pressure 1.5', '', '--pressure: invalid rate "1.5"'],
    [
      'pool update default-pool -f -',
      'name: other\nttl: 5m\n',
      'called default-pool here and other in the file',
    ],
    [
      'pool update default-pool --size 9 --max 4',
      '',
      'size (--size) 9 is greater than capacity.max (--max) 4',
    ],
    [
      'pool update default-pool --buffer-min 5 --buffer-max 2',
      '',
      'capacity.buffer_min (--buffer-min) 5 is greater than capacity.buffer_max (--buffer-max) 2',
    ],
    [
      'pool update default-pool --min 20',
      '',
      'capacity.min (--min) 20 is greater than capacity.max (--max) 8',
    ],
    ['pool update default-pool --memory abc', '', '--memory: invalid size "abc"'],
    ['pool update default-pool --memory 1k', '', '--memory: must be at least 6m\n'],
    ['pool update default-pool --cpus 0', '', '--cpus: invalid number of cores "0"'],
    ['pool update default-pool --size 0 --warm host=0', '', '--size'],
    [
      'pool update default-pool --queue-timeout 0s',
      '',
      'queue.timeout (--queue-timeout): must be longer than 0',
    ],
    ['pool create --warm host', '', 'the pool has no name'],
    ['pool create Ci --warm host', '', 'invalid pool name "Ci"'],
    ['pool create ci --warm host=x', '', 'invalid --warm "host=x"'],
    ['pool create ci --on-empty never', '', 'boot, wait, fail'],
    ['pool create -f -', 'name: ci\nwram: []\n', 'standard input:2: unknown key wram\n  2 | wram: []'],
    ['pool create -f -', 'name: ci\ncapacity:\n  maxx: 2\n', 'standard input:3: unknown key capacity.maxx'],
    ['pool create -f -', 'name: ci\nttl: soon\n', 'standard input:2: ttl: invalid duration "soon"'],
    ['pool create -f -', 'name: ci\nwarm: [\n', 'standard input:'],
    ['pool create -f -', '# nothing\n', 'there is no policy here'],
    ['pool create -f -', '- a\n', 'a policy is a list of keys like `size: 2`'],
  ])('%s is refused, and changes nothing', async (line, input, part) => {
    const before = await core.pools.list();
    const result = await fsb(line, { input });
    expect([result.code, result.stdout, result.stderr]).toEqual([2, '', expect.stringContaining(part)]);
    expect(await core.pools.list()).toEqual(before);
  });

  it('guesses what a wrong key was meant to be', async () => {
    const input = 'name: ci\nmemory_buget: 1g\n';
    expect((await fsb('pool create -f -', { input })).stderr).toContain('Hint: Did you mean memory_budget?');
  });

  it('deletes all, echoes in argument order, reports every failure, exits by the worst', async () => {
    for (const name of ['a', 'b', 'c']) await fsb(`pool create ${name} --warm host=1`);
    await lease('--pool', 'b');
    const some = await fsb('pool rm c b nope a default-pool');
    expect([some.code, some.stdout]).toEqual([4, 'c\na\n']);
    expect(some.stderr.match(/^Error: /gm)).toHaveLength(3);
    expect((await fsb('pool delete b --force -o json')).stdout).toBe('[\n  {\n    "name": "b"\n  }\n]\n');
    expect((await fsb('pool delete')).code).toBe(2);
  });

  it.each([
    ['pool get', 2, 'missing NAME'],
    ['pool get defualt-pool', 3, 'Did you mean default-pool?'],
    ['pool update nope --max 3', 3, 'nope'],
    ['pool drain', 2, 'missing NAME'],
    ['pool delete defualt-pool', 3, 'Did you mean default-pool?'],
  ])('%s fails with %i, with -o json as an object', async (line, code, part) => {
    const result = await fsb(line);
    expect([result.code, result.stdout, result.stderr]).toEqual([code, '', expect.stringContaining(part)]);
    const json = await fsb(`${line} -o json`);
    expect(JSON.parse(json.stderr).error).toMatchObject({
      code: code === 2 ? 'invalid_argument' : 'not_found',
    });
  });
});

describe('pool start, stop and drain', () => {
  it('starts one that is not there, and one that was stopped', async () => {
    expect((await fsb('pool start ci --size 3 -q')).stdout).toBe('ci\n');
    expect(await core.pools.get('ci')).toMatchObject({ state: 'active', idle: 3 });
    expect((await fsb('pool stop ci')).stdout).toMatch(/\nci +stopped +host=3 +0 /);
    expect((await fsb('pool start ci')).stdout).toMatch(/\nci +active +host=3 +3 /);
    const none = await fsb('pool start ci --warm host=0');
    expect(none.stderr).toContain('Pool ci keeps nothing warm.');
  });

  it.each([
    ['pool start ci --size 3', true],
    ['pool update ci --size 3', true],
    ['pool start ci --size 3 --warm host=1,alpine', false],
    ['pool start ci --size 1', false],
    ['pool start ci', false],
  ])('says with %s that the size changes nothing: %s', async (line, said) => {
    await fsb('pool create ci --warm host=1');
    const { code, stderr } = await fsb(line);
    expect([code, stderr.includes('--size 3 changes nothing')]).toEqual([0, said]);
  });

  it('fails with the reason when an image is not here, and makes no pool then', async () => {
    const { code, stderr } = await fsb('pool start --image nope');
    expect([code, stderr]).toEqual([3, expect.stringContaining('nope')]);
    expect((await fsb('pool start ci --image nope')).code).toBe(3);
    expect((await fsb('pool list -q')).stdout).toBe('default-pool\n');
  });

  it('waits for what is in use as long as it is told, and ends it with --force', async () => {
    await fsb('pool start ci');
    await lease('--pool', 'ci');
    const { code, stdout, stderr } = await fsb('pool drain ci --timeout 20ms');
    expect([code, stdout, stderr]).toEqual([124, '', expect.stringContaining('ci')]);
    expect((await fsb('pool drain ci --force --timeout 20ms')).stdout).toMatch(
      /\nci +drained +host=2 +0 +0 /,
    );
    expect((await fsb('pool run --pool ci true')).code).toBe(4);
  });

  it('needs no core to stop, or to tell the status, and starts none', async () => {
    const without = { core: undefined };
    expect(await fsb('pool stop', without)).toEqual({ code: 0, stdout: '', stderr: 'No core is running.\n' });
    expect(await fsb('pool status', without)).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No core is running.\n',
    });
    expect(await fsb('pool status -o json', without)).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
    expect((await fsb('pool status --watch', without)).code).toBe(0);
    for (const command of ['stop', 'status']) {
      const line = startCommandLine(['pool', command], { core, input: '' });
      await line.code;
      expect(line.connections).toMatchObject([{ start: false }]);
      // Somebody else's core that does not answer is a failure.
      expect((await fsb(`pool ${command} --host tcp://far:9090`, without)).code).toBe(6);
      expect((await fsb(`pool ${command}`, { ...without, env: { FSB_HOST: 'tcp://far:9090' } })).code).toBe(
        6,
      );
    }
  });
});

describe('pool status', () => {
  it('has a row for each shape, of all pools or of one', async () => {
    await fsb('pool start ci --warm host=1,alpine=2 -q');
    const rows = JSON.parse((await fsb('pool status -o json')).stdout);
    expect(rows.map(({ pool, image, idle }: Record<string, unknown>) => [pool, image, idle])).toEqual([
      ['ci', 'host', 1],
      ['ci', 'alpine', 2],
      ['default-pool', 'host', 2],
    ]);
    expect((await fsb('pool status ci')).stdout.trim().split('\n')).toHaveLength(3);
    expect((await fsb('pool status -q')).stdout).toBe('ci\ndefault-pool\n');
    expect((await fsb('pool status nope')).code).toBe(3);
  });

  it('follows with --watch what happens, until ctrl-C', async () => {
    const line = startCommandLine('pool status --watch -o json'.split(' '), { core });
    await line.stdout.until('"idle":2');
    await fsb('pool update default-pool --size 3');
    await line.stdout.until('"idle":3');
    line.events.emit('SIGINT');
    expect(await line.code).toBe(130);
    const lines = line.stdout.text.trim().split('\n');
    expect(lines.map((text) => JSON.parse(text).length)).toEqual(lines.map(() => 1));
  });

  it('goes on with the next core', async () => {
    let isAway = false;
    const leave = new AbortController();
    const gone = new FsbError('unavailable', 'the core is going away');
    const events: CoreApi['system']['events'] = (query, { signal } = {}) =>
      core.system.events(query, { signal: AbortSignal.any([leave.signal, signal!]) });
    const status: CoreApi['pools']['status'] = async (...asked) => {
      if (!isAway) return core.pools.status(...asked);
      isAway = false;
      throw gone;
    };
    const restarted = { ...core, pools: { ...core.pools, status }, system: { ...core.system, events } };
    const line = startCommandLine('pool status --watch -o json'.split(' '), { core: restarted });
    await line.stdout.until('"idle":2');
    isAway = true;
    leave.abort(gone);
    await line.stdout.until(/"idle":2.*\n.*"idle":2/);
    line.events.emit('SIGINT');
    expect([await line.code, line.stderr.text]).toEqual([130, '']);
  });

  it('is one document after another in YAML', async () => {
    const line = startCommandLine('pool status --watch -o yaml'.split(' '), { core });
    await line.stdout.until('idle: 2');
    await fsb('pool update default-pool --size 3');
    await line.stdout.until('idle: 3');
    line.events.emit('SIGINT');
    expect(await line.code).toBe(130);
    const [before, ...documents] = line.stdout.text.split('---\n');
    expect(before).toBe('');
    expect(documents.map((text) => parse(text))).toEqual(documents.map(() => [expect.any(Object)]));
  });

  it('is drawn anew for a window of another size', async () => {
    const line = startCommandLine('pool status -w'.split(' '), { core, tty: true, columns: 200 });
    await line.stdout.until('BOOTED WITH');
    line.stdout.columns = 40;
    const before = line.stdout.text.length;
    line.stdout.emit('resize');
    while (line.stdout.text.length === before) await new Promise((drawn) => line.stdout.once('data', drawn));
    const rows = line.stdout.text.slice(before).replace('\u001b[H\u001b[2J', '').trimEnd().split('\n');
    expect(Math.max(...rows.map((row) => row.length))).toBeLessThanOrEqual(40);
    line.events.emit('SIGINT');
    expect([await line.code, line.stdout.listenerCount('resize')]).toEqual([130, 0]);
  });

  it('draws over itself on a terminal', async () => {
    const line = startCommandLine('pool status -w'.split(' '), { core, tty: true });
    await line.stdout.until('default-pool');
    expect(line.stdout.text.startsWith('\u001b[H\u001b[2JPOOL ')).toBe(true);
    line.events.emit('SIGINT');
    expect(await line.code).toBe(130);
  });
});

describe('events', () => {
  it('are a line each, from now on or after a number, until ctrl-C', async () => {
    const line = startCommandLine('events --after 0 --pool default-pool'.split(' '), { core });
    await line.stdout.until(/( created .*\n.* idle .*\n.*){2}/);
    await fsb('pool start ci -q');
    await fsb('pool run true');
    await line.stdout.until(/ claimed +\S+ +i\w+\n/);
    line.events.emit('SIGINT');
    expect([await line.code, line.stderr.text]).toEqual([130, '']);
    expect(line.stdout.text).not.toContain(' ci ');
  });

  it('are an object a line for programs, and numbers with -q', async () => {
    const json = startCommandLine('events --all --after 0 --json'.split(' '), { core });
    await json.stdout.until('"seq":4');
    json.events.emit('SIGINT');
    await json.code;
    const seen = json.stdout.text
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(seen.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    const quiet = startCommandLine('events --all --after 2 -q'.split(' '), { core });
    await quiet.stdout.until('4\n');
    quiet.events.emit('SIGTERM');
    expect([await quiet.code, quiet.stdout.text]).toEqual([143, '3\n4\n']);
  });

  it('end with what is remembered with --no-stream', async () => {
    const { code, stdout } = await fsb('events --all --no-stream -q');
    expect([code, stdout]).toEqual([0, '1\n2\n3\n4\n']);
    expect((await fsb('events --all --no-stream --after 3 -q')).stdout).toBe('4\n');
    await fsb('pool create ci -q --warm host=0');
    expect(await fsb('events --no-stream --pool ci')).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('say so when the core has gone', async () => {
    const ending = { ...core, system: { ...core.system, events: async function* () {} } };
    const { code, stderr } = await fsb('events', { core: ending });
    expect([code, stderr]).toEqual([
      6,
      expect.stringMatching(/the core has stopped\nHint: .* events --since 20\d\d-.*Z\n$/),
    ]);
  });

  it('of a pool that is not there are none to wait for', async () => {
    const { code, stdout, stderr } = await fsb('events --pool defualt-pool');
    expect([code, stdout]).toEqual([3, '']);
    expect(stderr).toContain('Did you mean default-pool?');
  });

  it.each([['events --after x', 2]])('%s fails with %i', async (line, code) =>
    expect((await fsb(line)).code).toBe(code),
  );
});
