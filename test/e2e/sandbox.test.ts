import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type CliRoot, makeCliRoot, outcomeOf } from '../helpers/cli/cli-root.ts';
import { onlyOver } from '../helpers/cli/only-over.ts';
import { traces } from '../helpers/core/traces.ts';

/** A new user's first minutes, with the production binary and a real core that the first command starts. */

let cli: CliRoot;

beforeAll(async () => {
  cli = await makeCliRoot();
});

afterAll(async () => {
  expect(await cli.close()).toEqual([]);
});

/** A client at work that deletes its sandbox when that has ended, if it still can. */
async function followed(name: string): Promise<ChildProcessWithoutNullStreams> {
  const client = cli.start(['run', name, '--rm', '--image', 'host', '--', 'sh', '-c', 'echo up; sleep 4']);
  await once(client.stdout, 'data');
  return client;
}

const counting = 'i=0; while :; do echo line $i; i=$((i+1)); sleep 0.05; done';

describe('the first five minutes', () => {
  onlyOver(['unix'], 'the first command starts the core').it(
    'twenty first commands at once start one core',
    async () => {
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => cli.fsb(['list', '-o', 'json'])));
      expect(outcomes).toEqual(Array.from({ length: 20 }, () => ({ code: 0, stdout: '[]\n', stderr: '' })));
      const status = JSON.parse((await cli.fsb(['daemon', 'status', '-o', 'json'])).stdout);
      expect(status).toMatchObject({
        running: true,
        root: cli.root,
        runtime: expect.stringContaining('runc'),
      });
      expect(Object.keys(status)).toEqual(
        expect.arrayContaining([
          'running',
          'pid',
          'endpoint',
          'http',
          'metrics',
          'version',
          'runtime',
          'root',
        ]),
      );
      // Whatever is started as a core writes there, if only that another one has the lock.
      const log = (await readFile(join(cli.root, 'state/core.log'), 'utf8')).trimEnd().split('\n');
      const lines = log.map((line) => JSON.parse(line));
      expect(new Set(lines.map(({ pid }) => pid))).toEqual(new Set([status.pid]));
      expect(lines.filter(({ msg }) => msg === 'ready')).toHaveLength(1);
    },
  );

  it('runs, lists, shows, executes, deletes; and leaves nothing of the sandbox', async () => {
    const run = await cli.fsb(['run', 'tour', '--image', 'host', '--', 'sh', '-c', counting]);
    expect(run).toMatchObject({ code: 0, stdout: expect.stringContaining('tour') });
    const [row] = JSON.parse((await cli.fsb(['list', '-o', 'json'])).stdout);
    expect(row).toMatchObject({ name: 'tour', phase: 'Running', image: 'host' });
    expect((await cli.fsb(['get', 'tour'])).stdout).toContain('Running');
    expect(await cli.fsb(['exec', 'tour', 'echo', '--help', '-x'])).toMatchObject({
      code: 0,
      stdout: '--help -x\n',
    });
    expect(await cli.fsb(['exec', '-i', 'tour', 'cat'], { input: 'through\n' })).toMatchObject({
      code: 0,
      stdout: 'through\n',
    });
    expect(await cli.fsb(['delete', 'tour', '--grace', '1s'])).toEqual({
      code: 0,
      stdout: 'tour\n',
      stderr: '',
    });
    expect(JSON.parse((await cli.fsb(['list', '-a', '-o', 'json'])).stdout)).toEqual([]);
  });

  it('streams each line as it is written, and ends the stream when the sandbox ends', async () => {
    await cli.fsb([
      'run',
      'talk',
      '--image',
      'host',
      '--',
      'sh',
      '-c',
      'echo one; sleep 0.3; echo two; echo err >&2',
    ]);
    const child = cli.start(['logs', '-f', 'talk']);
    let [out, err] = ['', ''];
    child.stdout!.on('data', (text) => (out += text));
    child.stderr!.on('data', (text) => (err += text));
    const [code] = await once(child, 'close');
    expect({ code, out, err }).toEqual({ code: 0, out: 'one\ntwo\n', err: 'err\n' });
    await cli.fsb(['delete', 'talk']);
  });

  it('exits with the code of the command', async () => {
    for (const [script, code] of [
      ['exit 7', 7],
      ['exit 0', 0],
      ['kill -9 $$', 137],
      ['kill -TERM $$', 143],
    ] as const)
      expect((await cli.fsb(['run', 'job', '--rm', '--image', 'host', '--', 'sh', '-c', script])).code).toBe(
        code,
      );
    expect((await cli.fsb(['run', 'job', '--rm', '--image', 'host', '--', 'no-such-program'])).code).toBe(
      127,
    );
    expect((await cli.fsb(['run', 'job', '--rm', '--image', 'host', '--', '/etc/passwd'])).code).toBe(126);
    expect(JSON.parse((await cli.fsb(['list', '-a', '-o', 'json'])).stdout)).toEqual([]);
  });

  it('loses no byte between a command and the pipe behind it', async () => {
    const { code, stdout } = await cli.fsb([
      'run',
      'flood',
      '--rm',
      '--image',
      'host',
      '--',
      'seq',
      '300000',
    ]);
    expect(code).toBe(0);
    expect(stdout === `${Array.from({ length: 300_000 }, (_, i) => i + 1).join('\n')}\n`).toBe(true);
  });
});

onlyOver(['unix', 'tls'], 'an embedded core ends with its command').describe('a core that is killed', () => {
  it('leaves the sandbox running, its logs whole, exec and delete working, and true exits of what ended meanwhile', async () => {
    await cli.fsb(['run', 'survivor', '--image', 'host', '--', 'sh', '-c', counting]);
    await cli.fsb(['run', 'short', '--image', 'host', '--', 'sh', '-c', 'sleep 1; echo done; exit 5']);
    const before = JSON.parse((await cli.fsb(['get', 'survivor', '-o', 'json'])).stdout);
    await cli.killCore();
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const list = () => cli.fsb(['list', '-a', '-o', 'json']);
    const { code, stderr } = await list();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // Mostly it has ended by now, while there was no core.
    await cli.fsb(['wait', 'short']);
    const { stdout } = await list();
    const rows = Object.fromEntries(JSON.parse(stdout).map((row: { name: string }) => [row.name, row]));
    expect(rows.survivor).toMatchObject({ phase: 'Running', id: before.id });
    expect(rows.short).toMatchObject({ phase: 'Exited' });
    expect(JSON.parse((await cli.fsb(['get', 'short', '-o', 'json'])).stdout).exit_code).toBe(5);
    expect((await cli.fsb(['logs', 'short'])).stdout).toBe('done\n');
    expect((await cli.fsb(['exec', 'survivor', 'echo', 'alive'])).stdout).toBe('alive\n');
    await cli.fsb(['delete', 'short']);
    const lines = (await cli.fsb(['logs', 'survivor'])).stdout.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(20);
    expect(lines).toEqual(lines.map((_, i) => `line ${i}`));
    expect((await cli.fsb(['delete', 'survivor', '--grace', '0s'])).code).toBe(0);
  });
});

onlyOver(['unix'], 'the daemon').describe('a core that is not there', () => {
  it('is not started when the environment forbids that, and the error says the way out', async () => {
    await cli.fsb(['daemon', 'stop']);
    expect(await cli.fsb(['list'], { env: { FSB_NO_AUTOSTART: '1' } })).toMatchObject({
      code: 6,
      stdout: '',
      stderr: expect.stringMatching(/not running[\s\S]*Hint: .*daemon start/),
    });
  });

  it('stops in order when asked to: no warm instance is left, and it starts again', async () => {
    await cli.fsb(['daemon', 'start']);
    const stop = () => cli.fsb(['daemon', 'stop']);
    expect(await stop()).toEqual({ code: 0, stdout: '', stderr: 'The core has stopped.\n' });
    expect(await traces(cli.root)).toEqual([]);
    expect(await stop()).toEqual({ code: 0, stdout: '', stderr: 'No core is running.\n' });
    expect((await cli.fsb(['list'])).code).toBe(0);
  });
});

onlyOver(['unix', 'tls'], 'an embedded core ends with its command').describe(
  'the whole life of a sandbox',
  () => {
    const view = async (name: string) => JSON.parse((await cli.fsb(['get', name, '-o', 'json'])).stdout);
    const read = async () => (await cli.fsb(['exec', 'life', 'cat', '/root/kept'])).stdout;

    it('stop, start and restart keep its files, also over a core that is killed; reset does not', async () => {
      await cli.fsb(['run', 'life', '--image', 'host', '--', 'sh', '-c', counting]);
      await cli.fsb(['exec', 'life', 'sh', '-c', 'echo precious > /root/kept']);
      const first = await view('life');
      expect(await cli.fsb(['stop', '-t', '1', 'life'])).toEqual({ code: 0, stdout: 'life\n', stderr: '' });
      expect(await view('life')).toMatchObject({ id: first.id, phase: 'Exited', signal: 'SIGTERM' });
      const attached = outcomeOf(await followed('coreless'));
      await cli.killCore(async () =>
        expect(await attached).toMatchObject({
          code: 125,
          stderr: expect.stringMatching(
            /^Error: .*\nHint: coreless may run on\. It is deleted when its command ends\./,
          ),
        }),
      );
      expect(await cli.fsb(['start', 'life'])).toMatchObject({ code: 0, stdout: 'life\n' });
      (await followed('clientless')).kill('SIGKILL');
      expect((await cli.fsb(['list', '-aq'])).stdout).toBe('clientless\ncoreless\nlife\n');
      expect(await read()).toBe('precious\n');
      await cli.fsb(['restart', '-t', '0', 'life']);
      expect(await read()).toBe('precious\n');
      const third = await view('life');
      expect(third).toMatchObject({ generation: 3, created_at: first.created_at, phase: 'Running' });
      await Promise.all([cli.fsb(['reset', '-t', '0', 'life']), cli.fsb(['reset', '-t', '0', 'life'])]);
      expect(await view('life')).toMatchObject({ generation: 5, phase: 'Running' });
      expect(await read()).toBe('');
      expect(await cli.fsb(['delete', 'life', '--grace', '0s'])).toMatchObject({ code: 0 });
    });

    it('paused, it stays so over a core that is killed, and can be changed and ended', async () => {
      await cli.fsb(['run', 'ice', '--image', 'host', '--', 'sh', '-c', counting]);
      await cli.fsb(['pause', 'ice']);
      await cli.killCore();
      expect((await cli.fsb(['list'])).stdout).toMatch(/\nice .* Paused /);
      expect(await cli.fsb(['exec', 'ice', 'true'])).toMatchObject({ code: 4 });
      expect((await cli.fsb(['update', 'ice', '--memory', '64m', '--label', 'a=b'])).code).toBe(0);
      await cli.fsb(['unpause', 'ice']);
      await cli.fsb(['rename', 'ice', 'water']);
      expect((await cli.fsb(['exec', 'water', 'echo', 'alive'])).stdout).toBe('alive\n');
      expect(await view('water')).toMatchObject({
        labels: { a: 'b' },
        spec: { resources: { memory: 67108864 } },
      });
      await cli.fsb(['pause', 'water']);
      expect((await cli.fsb(['kill', 'water'])).code).toBe(0);
      expect(await cli.fsb(['wait', 'water'])).toMatchObject({ code: 0, stdout: '137\n' });
      expect((await cli.fsb(['delete', 'water'])).code).toBe(0);
    });
  },
);

describe('mistakes', () => {
  it.each([
    [
      ['run', 'x', '--image', 'no-such-image', '--pull', 'never', '--', 'true'],
      3,
      /no-such-image[\s\S]*Hint: .*image import/,
    ],
    [['run', 'x', '--imge', 'host'], 2, /unknown flag --imge[\s\S]*--image/],
    [['exec', 'nobody', 'true'], 3, /nobody does not exist/],
    [['lgos', 'x'], 2, /Did you mean fsb-ctl logs/],
    [['run', 'Bad_Name', '--image', 'host', '--', 'true'], 2, /invalid sandbox name/],
    [['run', 'x', '--image', 'host', '--memory', 'abc', '--', 'true'], 2, /invalid size/],
    [['run', 'x', '--image', 'host', '--pool', 'other', '--', 'true'], 3, /pool other/],
    [['run', 'x'], 2, /--image/],
    [['run', 'x', '--image', 'host', '-t', '--', 'true'], 2, /terminal/],
    [['logs', 'x', '--tail', 'many'], 2, /many/],
  ])('%j exits with %d and says what to do', async (args, code, text) => {
    const outcome = await cli.fsb(args as string[]);
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(text as RegExp);
    expect(outcome.stderr).toMatch(/^Error: /);
  });

  it('in YAML name the line and the key', async () => {
    const file = join(cli.root, 'wrong.yaml');
    await writeFile(file, 'image: host\nargs: [sleep, "1"]\nenvz:\n  A: b\n');
    const outcome = await cli.fsb(['run', 'x', '-f', file]);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toMatch(/envz[\s\S]*envs/);
    expect(outcome.stderr).toMatch(/line 3|:3/);
  });

  it('are one JSON object under -o json', async () => {
    const { stderr, code } = await cli.fsb(['get', 'nobody', '-o', 'json']);
    expect(code).toBe(3);
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'not_found', message: expect.any(String), hint: expect.any(String) },
    });
  });

  it('with a duplicate name change nothing', async () => {
    await cli.fsb(['run', 'twice', '--image', 'host', '--', 'sleep', '60']);
    const { id } = JSON.parse((await cli.fsb(['get', 'twice', '-o', 'json'])).stdout);
    expect((await cli.fsb(['run', 'twice', '--image', 'host', '--', 'sleep', '60'])).code).toBe(4);
    expect(JSON.parse((await cli.fsb(['get', 'twice', '-o', 'json'])).stdout)).toMatchObject({
      id,
      phase: 'Running',
    });
    await cli.fsb(['delete', 'twice', '--grace', '0s']);
  });
});

describe('the command line for scripts', () => {
  it('runs again what get prints; deletes many, echoes in argument order, reports every failure, exits by the worst', async () => {
    await cli.fsb(['run', 'a', '--image', 'host', '--', 'sleep', '60']);
    const { stdout: input } = await cli.fsb(['get', 'a', '-o', 'json']);
    expect(await cli.fsb(['run', 'b', '-q', '-f', '-'], { input })).toMatchObject({ code: 0, stderr: '' });
    const outcome = await cli.fsb(['delete', 'b', 'nobody', 'a', '--grace', '0s']);
    expect(outcome).toMatchObject({ code: 3, stdout: 'b\na\n', stderr: expect.stringContaining('nobody') });
  });

  it('expires a sandbox when its time is up, and keeps the record', async () => {
    await cli.fsb(['run', 'mayfly', '--image', 'host', '--ttl', '1s', '--', 'sleep', '600']);
    for (;;) {
      const { phase } = JSON.parse((await cli.fsb(['get', 'mayfly', '-o', 'json'])).stdout);
      if (phase === 'Expired') break;
      expect(phase).toBe('Running');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect((await cli.fsb(['delete', 'mayfly'])).code).toBe(0);
  });

  it('says that memory ran out', async () => {
    await cli.fsb(['run', 'hog', '--image', 'host', '--memory', '32m', '--', 'tail', '/dev/zero']);
    const wait = cli.start(['logs', '-f', 'hog']);
    await once(wait, 'close');
    const shown = JSON.parse((await cli.fsb(['get', 'hog', '-o', 'json'])).stdout);
    expect(shown).toMatchObject({ phase: 'Failed', reason: expect.stringContaining('out of memory') });
    expect(shown.started_at).toMatch(/^20/);
    await cli.fsb(['delete', 'hog']);
  });
});

onlyOver(['unix', 'tls'], 'an embedded core ends with its command').it(
  'what run --rm could not delete, for its core or its client was killed, is deleted by the core',
  async () => {
    const left = async (): Promise<string> => (await cli.fsb(['list', '-aq'])).stdout;
    await vi.waitFor(async () => expect(await left()).not.toMatch(/coreless|clientless/), {
      timeout: 55_000,
      interval: 500,
    });
  },
);
