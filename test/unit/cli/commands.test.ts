import { EventEmitter, once } from 'node:events';
import { mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import type { ProcessSession } from '../../../src/core/model/process.ts';
import { type CommandLineOptions, runCommandLine, startCommandLine } from '../../helpers/cli/command-line.ts';
import { exitedSession } from '../../helpers/cli/exited-session.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { imageInfo } from '../../helpers/image/image-info.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

let core: HostCore;
let directory: string;
const fsb = (line: string | string[], options: CommandLineOptions = {}) =>
  runCommandLine(typeof line === 'string' ? line.split(' ') : line, { core, cwd: directory, ...options });

beforeEach(async () => {
  core = hostCore();
  directory = await mkdtemp(join(tmpdir(), 'fsb-cli-'));
});

afterEach(async () => {
  expect(core.openSessions.size).toBe(0);
  await core.close();
  await rm(directory, { recursive: true });
});

describe('run', () => {
  const lost = new FsbError('run_failed', 'lost the process: the core ended');
  const away = new FsbError('unavailable', 'the core is away');

  it('prints who was made, and nothing on stderr', async () => {
    const { code, stdout, stderr } = await fsb('run box --image host -- sleep 60');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^NAME +ID +NODE +ENDPOINTS +TIME\nbox +[0-9a-f]{12} +here +- +[\d.]+ms\n$/);
  });

  it('prints only the id with -q, and one object with -o json', async () => {
    expect((await fsb('run a -q --image host sleep 60')).stdout).toMatch(/^[0-9a-f]{32}\n$/);
    const made = JSON.parse((await fsb('run b -o json --image host sleep 60')).stdout);
    expect(made).toMatchObject({ name: 'b', phase: 'Running', image: 'host', warm: true });
    expect(made.elapsed_ms).toBeGreaterThan(0);
  });

  it('gives the words after NAME to the guest as they are', async () => {
    const { code, stdout } = await fsb([
      'run',
      'box',
      '--rm',
      '--image',
      'host',
      'printf',
      '%s|',
      '-q',
      '--help',
      '',
      'a',
      'b',
      'a',
      '--',
      '-n',
    ]);
    expect([code, stdout]).toEqual([0, '-q|--help||a|b|a|--|-n|']);
  });

  it('streams to the right streams and exits with the command`s own code', async () => {
    const { code, stdout, stderr } = await fsb([
      'run',
      'job',
      '-a',
      '--image',
      'host',
      '--',
      'sh',
      '-c',
      'echo out; echo err >&2; exit 7',
    ]);
    expect([code, stdout, stderr]).toEqual([7, 'out\n', 'err\n']);
    expect(JSON.parse((await fsb('get job -o json')).stdout)).toMatchObject({
      phase: 'Exited',
      exit_code: 7,
    });
  });

  describe('with --rm, where the deletion fails', () => {
    const left =
      'job is not deleted yet (the core is away): the core does that once its command has ended, and fsb-ctl delete job at once.\n';
    beforeEach(() => {
      vi.spyOn(core.sandboxes, 'delete').mockRejectedValueOnce(away);
    });

    it('exits as the command did, and says who deletes it', async () => {
      const line = ['run', 'job', '--rm', '--image', 'host', '--', 'sh', '-c', 'exit 7'];
      expect(await fsb(line)).toEqual({ code: 7, stdout: '', stderr: left });
    });
  });

  it.each([
    ['lost the process: the core ended', lost],
    ['job was created, but its output is lost: the core is away', away],
  ])('is 125 when the core is away, whatever it was lost in: %s', async (why, error) => {
    const create = vi.spyOn(core.sandboxes, 'create');
    vi.spyOn(core.sandboxes, 'attach').mockImplementationOnce(() => {
      vi.spyOn(core.sandboxes, 'get').mockRejectedValueOnce(away);
      return Promise.reject(error);
    });
    const { code, stderr } = await fsb('run job --rm --image host true');
    const { autoRemove, detached } = create.mock.calls[0]![0];
    expect([code, autoRemove, detached]).toEqual([125, true, false]);
    const note = '\nHint: job may run on. It is deleted when its command ends.';
    expect([stderr.startsWith(`Error: ${why}`), stderr.includes(note)]).toEqual([true, true]);
  });

  it('touches nothing that may be somebody else`s when the answer to its create is lost', async () => {
    const cause = new FsbError('unavailable', 'the connection was closed');
    vi.spyOn(core.sandboxes, 'create').mockRejectedValueOnce(
      new FsbError('run_failed', 'cannot tell whether sandbox job was created', { cause }),
    );
    const get = vi.spyOn(core.sandboxes, 'get');
    const { code } = await fsb('run job --rm --image host true');
    expect([code, get.mock.calls]).toEqual([125, []]);
  });

  it.each([
    ['--rm', 'It is deleted when its command ends. ', 'Follow it with `fsb-ctl logs -f job`.'],
    ['-i', '', 'Join it again with `fsb-ctl attach job`.'],
    ['-i --rm', 'It is deleted when its command ends. ', 'Join it again with `fsb-ctl attach job`.'],
  ])(
    'says once that it runs on when the stream broke, and how it is seen again: %s',
    async (how, goes, way) => {
      const hint = 'It takes input. It may still be running: look with `fsb-ctl get -n x job`.';
      vi.spyOn(core.sandboxes, 'attach').mockRejectedValueOnce(new FsbError('run_failed', 'lost', { hint }));
      const { stderr } = await fsb(`run job ${how} --image host sleep 60`);
      expect(stderr).toBe(`Error: lost\nHint: job runs on. ${goes}${way} It takes input.\n`);
    },
  );

  it('with --rm leaves what runs on to the core when the stream broke', async () => {
    vi.spyOn(core.sandboxes, 'attach').mockRejectedValueOnce(lost);
    const { code, stderr } = await fsb('run job --rm --image host sleep 60');
    expect(code).toBe(125);
    expect(stderr).toMatch(/^Error: lost.*\nHint: job runs on\. It is deleted when its command ends\./);
    expect(JSON.parse((await fsb('get job -o json')).stdout).phase).toBe('Running');
  });

  it('that is not waited for any longer says that it runs on', async () => {
    const { code, stderr } = await fsb('run job -a --timeout 300ms --image host sleep 60');
    expect(code).toBe(124);
    expect(stderr).toMatch(
      /^Error: not done within 300ms\nHint: job runs on: fsb-ctl logs -f job .*delete job/,
    );
    expect(JSON.parse((await fsb('get job -o json')).stdout).phase).toBe('Running');
  });

  it('takes --timeout 0 for no limit', async () => {
    const { code, stdout } = await fsb('run job --rm --timeout 0 --image host echo done');
    expect([code, stdout]).toEqual([0, 'done\n']);
  });

  it('with -d --rm prints what it prints with -d, and leaves the rest to the core', async () => {
    const create = vi.spyOn(core.sandboxes, 'create');
    const { code, stdout } = await fsb('run job -qd --rm --image host sleep 60');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]+\n$/)]);
    expect(create.mock.calls[0]![0]).toMatchObject({ autoRemove: true, detached: true });
    expect(JSON.parse((await fsb('get job -o json')).stdout).phase).toBe('Running');
  });

  it('keeps nothing with --rm', async () => {
    expect((await fsb(['run', 'job', '--rm', '--image', 'host', '--', 'sh', '-c', 'exit 7'])).code).toBe(7);
    expect((await fsb('get job')).code).toBe(3);
  });

  it.each([
    ['', 'Check it.', 'Check it. The sandbox stays, for a look; it goes with: fsb-ctl delete job', []],
    [
      '',
      'See: fsb-ctl doctor',
      'See: fsb-ctl doctor. The sandbox stays, for a look; it goes with: fsb-ctl delete job',
      [],
    ],
    ['--rm ', 'Check it.', 'Check it.', ['job']],
  ])('says what stays of one that did not start: run %s(%s)', async (flag, known, hint, removed) => {
    const failed = { state: { phase: 'Failed', reason: 'not found', endedAt: 1 } };
    const deleted: string[] = [];
    const sandboxes = {
      create: async () => {
        throw new FsbError('command_not_found', 'exec: "nope": not found', { hint: known });
      },
      get: async () => failed,
      delete: async ({ name }: { name: string }) => void deleted.push(name),
    } as unknown as CoreApi['sandboxes'];
    const { code, stderr } = await fsb(`run job ${flag}--image host nope`, { core: { ...core, sandboxes } });
    expect([code, stderr]).toEqual([127, `Error: exec: "nope": not found\nHint: ${hint}\n`]);
    expect(deleted).toEqual(removed);
  });

  it('sends stdin with -i and half-closes it', async () => {
    const { code, stdout } = await fsb('run job --rm -i --image host wc -c', { input: 'x'.repeat(200_000) });
    expect([code, stdout.trim()]).toEqual([0, '200000']);
  });

  it('reads a file, and flags win over it', async () => {
    await writeFile(
      join(directory, 'box.yaml'),
      'image: other\nargs: [sh, -c, "echo $A $B"]\nenvs: {A: file, B: file}\n',
    );
    const { stdout } = await fsb('run job --rm -f box.yaml --image host -e B=flag');
    expect(stdout).toBe('file flag\n');
  });

  it('reads the spec from stdin', async () => {
    const { stdout } = await fsb('run job --rm -f -', { input: 'image: host\nargs: [echo, hi]\n' });
    expect(stdout).toBe('hi\n');
  });

  it.each(['json', 'yaml'])('runs again what get prints, as %s', async (format) => {
    await fsb('run box --image host --ttl 90m -e N=1 -e T=yes -m 1g -p 80 -l team=red -- sleep 60');
    const { stdout: input } = await fsb(`get box -o ${format}`);
    expect(await fsb('run other -q -f -', { input })).toMatchObject({ code: 0, stderr: '' });
    const spec = async (name: string) => (await core.sandboxes.get({ namespace: 'default', name })).spec;
    expect(await spec('other')).toEqual(await spec('box'));
  });

  it('takes variables from flags, files and its own environment', async () => {
    await writeFile(join(directory, 'vars'), 'A=1\nB=1\nC\n');
    const { stdout } = await fsb(
      [
        'run',
        'job',
        '--rm',
        '--image',
        'host',
        '--env-file',
        'vars',
        '-e',
        'B=2',
        '--',
        'sh',
        '-c',
        'echo $A $B $C',
      ],
      { env: { C: 'own' } },
    );
    expect(stdout).toBe('1 2 own\n');
  });

  it('is shown as YAML that readers of YAML 1.1 take for the same', async () => {
    await fsb('run words --image host --label on=yes --label n=1:30 -e AT=2026-11-27 -- sleep 9');
    const { stdout } = await fsb('get words -o yaml');
    for (const line of ['"on": "yes"', '"n": "1:30"', 'AT: "2026-11-27"']) expect(stdout).toContain(line);
    const { created_at: at } = parse(stdout, { version: '1.1' }) as { created_at: unknown };
    expect(at).toBe(JSON.parse((await fsb('get words -o json')).stdout).created_at);
  });

  it('writes the id file once, and removes it when nothing was made', async () => {
    const path = join(directory, 'id');
    await fsb('run box --image host --id-file id sleep 60');
    expect(await readFile(path, 'utf8')).toBe(JSON.parse((await fsb('get box -o json')).stdout).id);
    const second = await fsb('run other --image host --id-file id sleep 60');
    expect([second.code, second.stderr]).toEqual([4, expect.stringContaining('exists already')]);
    expect((await fsb('get other')).code).toBe(3);
    expect((await fsb('run box --image host --id-file id2 true')).code).toBe(4);
    await expect(readFile(join(directory, 'id2'))).rejects.toThrow('ENOENT');
    const nowhere = await fsb('run box --image host --id-file no/id true');
    expect([nowhere.code, nowhere.stderr]).toEqual([
      2,
      expect.stringContaining('cannot create the id file no/id: its directory does not exist'),
    ]);
  });

  it.each(['SIGTERM', 'SIGQUIT', 'SIGUSR2'])('leaves no id file behind when %s ends it', async (signal) => {
    const asked = new Promise<void>((resolve) => {
      vi.spyOn(core.sandboxes, 'create').mockImplementation(async (_, options) => {
        resolve();
        await once(options!.signal!, 'abort');
        throw options!.signal!.reason;
      });
    });
    const argv = 'run box --image host --id-file id sleep 60'.split(' ');
    const line = startCommandLine(argv, { core, cwd: directory });
    await asked;
    line.events.emit(signal);
    expect([await line.code, await readdir(directory)]).toEqual([
      128 + constants.signals[signal as NodeJS.Signals],
      [],
    ]);
  });

  it('leaves no id file behind when a second signal does not wait for it', async () => {
    const asked = new Promise<void>((resolve) => {
      vi.spyOn(core.sandboxes, 'create').mockImplementation(() => {
        resolve();
        return new Promise(() => {});
      });
    });
    const line = startCommandLine('run box --image host --id-file id'.split(' '), { core, cwd: directory });
    await asked;
    line.events.emit('SIGINT');
    line.events.emit('SIGINT');
    // As the process does then.
    line.events.emit('exit');
    expect([line.forced, await readdir(directory)]).toEqual([[130], []]);
  });

  it.each([
    ['run box', 2, 'Give --image'],
    ['run box -t --image host sh', 2, '-t needs a terminal, and standard input is not one'],
    ['run box -it', 2, '--image'],
    ['run Box --image host', 2, 'invalid sandbox name "Box"'],
    ['run box --image nope --pull never', 3, 'image nope is not here'],
    ['run box --image missing', 3, 'cannot pull missing'],
    ['run box --image host --entrypoint=', 2, 'no command was given'],
    ['run box --image host --platform plan9/amd64', 2, 'sandboxes run linux images'],
    ['run box --image host no-such-command', 127, 'no-such-command'],
    ['run box --image host --ttl soon', 2, '--ttl: invalid duration "soon"'],
    ['run box --image host --memory 1', 2, '--memory: must be at least 6m'],
    ['run box --image host --detach-keys ctrl-1', 2, '--detach-keys'],
    ['run box -f missing.yaml', 3, 'there is no such file'],
    ['run box --image host --env-file missing', 3, 'there is no such file'],
    ['run box --image', 2, '--image expects a value'],
    ['run box --imgae host', 2, 'Did you mean --image?'],
  ])('%s fails with %i', async (line, code, part) => {
    const result = await fsb(line);
    expect([result.code, result.stdout, result.stderr]).toEqual([code, '', expect.stringContaining(part)]);
    expect((await fsb('list -a -q')).stdout).toBe('');
  });

  it('connects to nothing when the flags are wrong already', async () => {
    const line = startCommandLine(['run', 'box', '-t', '--image', 'host', 'sh'], { core, input: '' });
    await line.code;
    expect(line.connections).toEqual([]);
  });
});

describe('exec', () => {
  beforeEach(() => fsb('run box --image host sleep 60'));

  it.each([
    ['exec box sh -c exit\t5', 5],
    ['exec box sh -c kill\t-9\t$$', 137],
    ['exec box no-such-command', 127],
    ['exec nobody true', 3],
    ['exec box', 2],
  ])('%j exits with %i', async (line, code) => {
    const words = line.split(' ').map((word) => word.replaceAll('\t', ' '));
    expect((await fsb(words)).code).toBe(code);
  });

  it.each(['exec box hog', 'pool run hog'])('%s says that the limit of memory ended it', async (line) => {
    const status = { code: null, signal: 9, oomKilled: true };
    const killed = async () => ({ ...exitedSession('', 0), exited: Promise.resolve(status) });
    const small = {
      ...core,
      sandboxes: { ...core.sandboxes, exec: killed },
      pools: { ...core.pools, run: killed },
    } as unknown as CoreApi;
    const { code, stderr } = await runCommandLine(line.split(' '), { core: small });
    expect(code).toBe(137);
    expect(stderr).toMatch(/^The command in .* was ended: it needed more memory than its limit/);
  });

  it('does not touch stdin without -i', async () => {
    const line = startCommandLine('exec box cat'.split(' '), { core, input: 'not yours' });
    expect(await line.code).toBe(0);
    expect(line.stdout.text).toBe('');
    expect(line.stdin.read()?.toString()).toBe('not yours');
  });

  it('loses no byte of either stream, and waits for a slow reader', async () => {
    const script = 'head -c 3000000 /dev/zero | tr "\\0" o; head -c 3000000 /dev/zero | tr "\\0" e >&2';
    const { stdout, stderr } = await fsb(['exec', 'box', 'sh', '-c', script]);
    expect([stdout.length, stderr.length]).toEqual([3_000_000, 3_000_000]);
  });

  it('starts and leaves with -d', async () => {
    const result = await fsb(['exec', '-d', 'box', 'sh', '-c', 'echo unseen']);
    expect(result).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('passes signals to the command', async () => {
    const line = startCommandLine(
      ['exec', 'box', 'sh', '-c', 'trap "echo got; exit 3" TERM; echo up; while :; do sleep 0.05; done'],
      { core },
    );
    await line.stdout.until('up');
    line.events.emit('SIGTERM');
    expect([await line.code, line.stdout.text]).toEqual([3, 'up\ngot\n']);
    expect(line.events.eventNames()).toEqual([]);
  });

  it('forces its way out at the third interrupt', async () => {
    const line = startCommandLine(['exec', 'box', 'sh', '-c', 'trap "" INT; echo up; sleep 60'], { core });
    await line.stdout.until('up');
    for (let i = 0; i < 3; i++) line.events.emit('SIGINT');
    await line.stderr.until(
      'Interrupted three times: left. What ran in the sandbox may run on; see fsb-ctl top box.\n',
    );
    await vi.waitFor(() => expect(line.forced).toEqual([130]), 20_000);
    line.events.emit('SIGTERM');
    expect(await line.code).toBe(143);
  });

  it('says then what becomes of what runs with --rm', async () => {
    const script = 'trap "" INT; echo up; exec sleep 60';
    const line = startCommandLine(['run', 'job', '--rm', '--image', 'host', '--', 'sh', '-c', script], {
      core,
    });
    await line.stdout.until('up');
    for (let i = 0; i < 3; i++) line.events.emit('SIGINT');
    await line.stderr.until('see fsb-ctl list. It is deleted when its command ends.\n');
    line.events.emit('SIGTERM');
    expect(await line.code).toBe(143);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGUSR1', 138],
  ] as const)('ends at once by %s while there is no core to pass it on to', async (name, code) => {
    const session: ProcessSession = {
      ...{ ...exitedSession('up', 0), isAway: true, exited: new Promise(() => {}) },
      signal: () => expect.fail('it is passed on'),
    };
    vi.spyOn(core.sandboxes, 'attach').mockResolvedValue(session);
    const line = startCommandLine(['run', 'job', '--rm', '--image', 'host', '--', 'sleep', '60'], { core });
    await line.stdout.until('up');
    line.events.emit(name);
    expect(await line.code).toBe(code);
    expect((await core.sandboxes.list({})).map((box) => box.name)).not.toContain('job');
  });

  it.each([
    ['ends', 3, undefined],
    ['is lost', 125, new FsbError('run_failed', 'lost the process')],
  ] as const)(
    'run --rm deletes what it has made and says so of nothing else: not what has the name once that %s',
    async (_, code, loss) => {
      vi.spyOn(core.sandboxes, 'attach').mockImplementation(async (ref) => {
        await core.sandboxes.rename(ref, 'moved');
        const spec = { image: 'host', command: ['true'] };
        await core.sandboxes.wait(await core.sandboxes.create({ namespace: 'default', name: 'job', spec }));
        const exited = loss ? Promise.reject(loss) : Promise.resolve({ code: 3, signal: null });
        exited.catch(() => {});
        return { ...exitedSession('', 0), exited };
      });
      const line = ['run', 'job', '--rm', '--image', 'host', '--', 'sh', '-c', 'exec sleep 60'];
      const { code: ended, stderr } = await fsb(line);
      const left = (await core.sandboxes.list({})).map(({ name }) => name).filter((name) => name !== 'box');
      expect([ended, left.sort()]).toEqual([code, loss ? ['job', 'moved'] : ['job']]);
      if (loss) expect(stderr).toContain('job runs on. It is deleted when its command ends.');
    },
  );

  it.each([
    [0, 125],
    [3, 3],
  ])('says where output is missing, and shows the rest; the command ends with %i: %i', async (own, shown) => {
    async function* output(): ProcessSession['output'] {
      for (const [at, text] of ['up\n', '', 'down\n'].entries())
        yield { stream: 'stdout', offset: at * 10, data: Buffer.from(text) };
      yield { stream: 'stderr', offset: 5, data: Buffer.from('over\n') };
    }
    const place = { sandboxId: 'a', stdout: 0, stderr: 5, takesInput: false };
    const session: ProcessSession = { ...exitedSession('', own), output: output(), place };
    vi.spyOn(core.sandboxes, 'attach').mockResolvedValue(session);
    const { code, stdout, stderr } = await fsb(['run', 'job', '--rm', '--image', 'host', '--', 'true']);
    expect([code, stdout]).toEqual([shown, 'up\ndown\n']);
    expect(stderr).toBe(
      '[7 bytes of output were dropped here]\n[10 bytes of output were dropped here]\nover\n' +
        (own === 0
          ? 'Error: 17 bytes of the output are missing: the log had dropped them before they could be shown; the command ended with exit code 0\n' +
            'Hint: The log keeps the last of an output for who comes late; --log-size of fsb-ctl daemon start says how much.\n'
          : ''),
    );
    expect((await core.sandboxes.list({})).map((box) => box.name)).not.toContain('job');
  });

  it('reports a loss below what stands on the terminal that it drew on', async () => {
    const loss = Promise.reject(new FsbError('run_failed', 'lost the process'));
    loss.catch(() => {});
    const broken = async () => ({ ...exitedSession('root@box:/# ', 0), exited: loss });
    vi.spyOn(core.sandboxes, 'exec').mockImplementation(broken);
    const line = startCommandLine(['exec', '-it', 'box', 'sh'], { core, tty: true });
    expect([await line.code, line.stderr.text]).toEqual([125, '\r\nError: lost the process\n']);
    const { stderr } = await fsb('exec -i box sh');
    expect(stderr).toBe('Error: lost the process\n');
  });

  it.each(['--no-sig-proxy', '--sig-proxy=false'])('keeps signals to itself with %s', async (flag) => {
    const line = startCommandLine(['exec', flag, 'box', 'sh', '-c', 'echo up; exec sleep 60'], {
      core,
    });
    await line.stdout.until('up');
    line.events.emit('SIGINT');
    expect([await line.code, line.stderr.text]).toEqual([130, '']);
  });

  it('ends the command when its time is up', async () => {
    const { code, stderr } = await fsb('exec --timeout 200ms box sleep 60');
    expect([code, stderr]).toEqual([124, expect.stringContaining('not done within 200ms')]);
  });

  it('ends quietly when nobody reads any more', async () => {
    const line = startCommandLine(
      ['exec', 'box', 'sh', '-c', 'echo up; while :; do echo more; sleep 0.01; done'],
      { core },
    );
    await line.stdout.until('up');
    line.stdout.destroy(Object.assign(new Error('gone'), { code: 'EPIPE' }));
    line.stdout.on('error', () => {});
    expect([await line.code, line.stderr.text]).toEqual([141, '']);
  });
});

describe('a standard input that is a directory', () => {
  it.each([
    'exec -i box cat',
    'run new -i --image host cat',
    'run new -f -',
    'attach box',
    'start -i box',
    'pool run -i --image host cat',
    'cp - box:/tmp',
    'image import -',
    'login --username me --password-stdin localhost:5000',
  ])('is refused where it would be read: %s', async (line) => {
    await fsb('run box -d -i --image host sleep 60');
    const handle = await open(directory);
    const refused = startCommandLine(line.split(' '), { core, input: '' });
    refused.stdin.fd = handle.fd;
    expect([await refused.code, refused.stdout.text]).toEqual([2, '']);
    expect(refused.stderr.text).toContain('Error: standard input is a directory\nHint: ');
    await handle.close();
    expect((await fsb('list -aq')).stdout).toBe('box\n');
  });

  it('is nothing to what does not read it', async () => {
    await fsb('run box --image host sleep 60');
    const handle = await open(directory);
    const line = startCommandLine(['exec', 'box', 'true'], { core });
    line.stdin.fd = handle.fd;
    expect(await line.code).toBe(0);
    await handle.close();
  });
});

describe('a terminal session', () => {
  beforeEach(() => fsb('run box --image host sleep 60'));
  const terminal = (argv: string[]) => startCommandLine(argv, { core, tty: true });

  it('is raw while it lasts, and has the size of ours', async () => {
    const line = terminal([
      'exec',
      '-it',
      'box',
      'sh',
      '-c',
      'stty size; read line; echo "got $line"; exit 4',
    ]);
    await line.stdout.until('24 80');
    expect(line.stdin.isRaw).toBe(true);
    line.stdin.write('typed\r');
    expect(await line.code).toBe(4);
    expect(line.stdout.text).toContain('got typed');
    expect(line.stdin.rawModes).toEqual([true, false]);
    expect([line.events.eventNames(), line.stdout.listenerCount('resize')]).toEqual([[], 0]);
  });

  it.each([
    ['the window', { tty: true, columns: 93 }, '', '24 93'],
    ['the window, also of one that is left alone', { tty: true, columns: 93 }, '-d', '24 93'],
    ['a usual terminal, where there is no window', {}, '-d', '24 80'],
  ])('has the size of %s from the first instruction on', async (_, options, detach, size) => {
    const run = ['run', 'sized', ...['-it', detach].filter(Boolean), '--image', 'host'];
    await startCommandLine([...run, '--', 'stty', 'size'], { core, ...options }).code;
    await fsb('wait sized');
    expect((await fsb('logs sized')).stdout).toBe(`${size}\r\n`);
    await startCommandLine(['start', '-ai', 'sized'], { core, tty: true, columns: 131 }).code;
    await fsb('restart sized');
    await fsb('wait sized');
    expect((await fsb('logs sized')).stdout).toBe(`${size}\r\n24 131\r\n24 80\r\n`);
  });

  it.each(['stdout', 'stderr'] as const)(
    'follows a change of size of what is a terminal: %s',
    async (shown) => {
      const line = terminal([
        'exec',
        '-it',
        'box',
        'sh',
        '-c',
        'trap "stty size; exit" WINCH; echo up; while :; do sleep 0.05; done',
      ]);
      line.stdout.isTTY = shown === 'stdout';
      await line.stdout.until('up');
      Object.assign(line[shown], { columns: 120, rows: 50 });
      line[shown].emit('resize');
      await line.stdout.until('50 120');
      expect(await line.code).toBe(0);
      expect(line[shown].listenerCount('resize')).toBe(0);
    },
  );

  it('is left with the detach keys, and the command lives on', async () => {
    const line = terminal(['run', 'shell', '-it', '--image', 'host', '--', 'sh', '-c', 'echo up; sleep 60']);
    await line.stdout.until('up');
    line.stdin.write('\u0010\u0011');
    expect(await line.code).toBe(0);
    expect(line.stderr.text).toContain('Detached from shell.');
    expect(line.stdin.isRaw).toBe(false);
    expect(JSON.parse((await fsb('get shell -o json')).stdout).phase).toBe('Running');
  });

  it('is left by one that goes with its run, and says when that is, to the core, too', async () => {
    const update = vi.spyOn(core.sandboxes, 'update');
    const line = terminal([
      'run',
      'shell',
      '-it',
      '--rm',
      '--image',
      'host',
      '--',
      'sh',
      '-c',
      'echo up; cat',
    ]);
    await line.stdout.until('up');
    line.stdin.write('\u0010\u0011');
    expect(await line.code).toBe(0);
    expect(line.stderr.text).toContain('\r\nDetached from shell. It is deleted when its command ends.\n');
    // Said before the command is over: whoever reads that may want the name the moment it is free.
    expect(update.mock.calls.map(([, change]) => change)).toEqual([{ detached: true }]);
    expect(JSON.parse((await fsb('get shell -o json')).stdout).phase).toBe('Running');
  });

  it('is put back in a crash', async () => {
    const line = terminal(['exec', '-it', '--no-sig-proxy', 'box', 'sh', '-c', 'echo up; sleep 60']);
    await line.stdout.until('up');
    line.events.emit('exit');
    expect(line.stdin.isRaw).toBe(false);
    line.events.emit('SIGHUP');
    expect(await line.code).toBe(129);
  });

  it.each([
    ['SIGHUP', 129, '--no-sig-proxy'],
    ['SIGQUIT', 131, '--no-sig-proxy'],
    ['SIGUSR1', 138, '--no-sig-proxy'],
    ['SIGUSR2', 140, '--no-sig-proxy'],
    ['SIGALRM', 142, '--no-sig-proxy'],
    ['SIGALRM', 142, '--sig-proxy=true'],
    ['SIGXCPU', 152, '--sig-proxy=true'],
  ])('is put back when %s ends it, which is %i, with %s', async (signal, code, proxy) => {
    const line = terminal(['exec', '-it', proxy, 'box', 'sh', '-c', 'echo up; sleep 60']);
    await line.stdout.until('up');
    expect(line.events.emit(signal)).toBe(true);
    expect([await line.code, line.stdin.isRaw]).toEqual([code, false]);
    expect(line.events.eventNames()).toEqual([]);
  });
});

describe('logs', () => {
  it('tells who looks why one that has failed wrote nothing, and a program nothing', async () => {
    await fsb('run box --image host true');
    const get = async (...args: Parameters<CoreApi['sandboxes']['get']>) => ({
      ...(await core.sandboxes.get(...args)),
      state: { phase: 'Failed', endedAt: 0, reason: 'there is no sl' } as const,
    });
    const failed = { get, logs: core.sandboxes.logs.bind(core.sandboxes) } as unknown as CoreApi['sandboxes'];
    const failing = { core: { ...core, sandboxes: failed } };
    const told = 'box has written nothing. It failed: there is no sl\n';
    for (const [tty, stderr] of [[true, told] as const, [false, ''] as const])
      expect(await fsb('logs box', { ...failing, tty })).toEqual({ code: 0, stdout: '', stderr });
    expect((await fsb('logs box', { tty: true })).stderr).toBe('');
  });

  const script = 'echo one; sleep 0.05; echo two >&2; sleep 0.05; echo three; exit 1';
  beforeEach(() => fsb(['run', 'job', '-a', '--image', 'host', '--', 'sh', '-c', script]));

  it('gives each stream back where it came from, also of an ended sandbox', async () => {
    expect(await fsb('logs -f job')).toEqual({ code: 0, stdout: 'one\nthree\n', stderr: 'two\n' });
    expect(await fsb('logs --stderr job')).toEqual({ code: 0, stdout: '', stderr: 'two\n' });
    expect((await fsb('logs -n 1 --stdout job')).stdout).toBe('three\n');
  });

  it('stamps lines, and prints one object a line', async () => {
    expect((await fsb('logs -t --stdout job')).stdout).toMatch(
      /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (one|three)\n){2}$/,
    );
    const objects = (await fsb('logs job -o json')).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(objects.map(({ stream, text }) => [stream, text])).toEqual([
      ['stdout', 'one\n'],
      ['stderr', 'two\n'],
      ['stdout', 'three\n'],
    ]);
  });

  it('ends without a word when interrupted', async () => {
    await fsb(['run', 'box', '--image', 'host', '--', 'sh', '-c', 'echo up; sleep 60']);
    const line = startCommandLine(['logs', '-f', 'box'], { core });
    await line.stdout.until('up');
    line.events.emit('SIGINT');
    expect([await line.code, line.stderr.text]).toEqual([130, '']);
  });

  it('takes -n for the namespace before the command, and for the tail after it', async () => {
    await fsb('-n team run job -a --image host echo theirs');
    expect(await fsb('-n team logs job')).toEqual({ code: 0, stdout: 'theirs\n', stderr: '' });
    expect((await fsb('-n default logs -n 1 --stdout job')).stdout).toBe('three\n');
    expect((await fsb('-nteam logs -n1 job')).stdout).toBe('theirs\n');
  });

  it.each([
    ['logs -n x job', 2, /^Error: .*tail.*\nHint: /],
    ['logs --tail=-1 job', 2, /^Error: .*tail.*\nHint: /],
    ['logs --since never job', 2, /^Error: --since: .*\nHint: /],
    ['logs --until 2026-13-01 job', 2, /^Error: --until: .*\nHint: /],
    ['logs nobody', 3, /^Error: .*nobody/],
  ])('%s fails with %i', async (line, code, text) =>
    expect(await fsb(line)).toEqual({ code, stdout: '', stderr: expect.stringMatching(text) }),
  );
});

describe('list, get and delete', () => {
  beforeEach(async () => {
    for (const name of ['a', 'b', 'c'])
      await fsb(`run ${name} --image host -l team=${name === 'c' ? 'blue' : 'red'} sleep 60`);
    await fsb('run done -a --image host true');
  });

  it('lists those that run, all with -a, and by label', async () => {
    expect((await fsb('list -q')).stdout).toBe('a\nb\nc\n');
    expect((await fsb('ps -a -q')).stdout).toBe('a\nb\nc\ndone\n');
    expect((await fsb('ls --selector team=red -o name')).stdout).toBe('a\nb\n');
    expect((await fsb('-n other list -q')).stdout).toBe('');
    expect((await fsb('list -q', { env: { FSB_NAMESPACE: 'other' } })).stdout).toBe('');
  });

  it('deletes all, echoes in argument order, reports every failure, exits by the worst', async () => {
    const { code, stdout, stderr } = await fsb('rm c nobody a nowhere');
    expect([code, stdout]).toEqual([3, 'c\na\n']);
    expect(stderr.match(/^Error: .*(nobody|nowhere)/gm)).toHaveLength(2);
    expect((await fsb('list -q')).stdout).toBe('b\n');
  });

  it('deletes by label, everything, and what is not there with -f', async () => {
    expect((await fsb('delete -l team=red --grace 0s')).stdout).toBe('a\nb\n');
    expect(await fsb('delete -f nobody')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect((await fsb('delete --all')).stdout).toBe('c\ndone\n');
    expect((await fsb('delete')).code).toBe(2);
    expect((await fsb('delete a --all')).code).toBe(2);
  });

  it('prints what it deleted in the format that was asked for, in argument order', async () => {
    const some = await fsb('delete c nobody a -o json');
    expect(some.code).toBe(3);
    expect(JSON.parse(some.stdout)).toEqual([
      { name: 'c', namespace: 'default' },
      { name: 'a', namespace: 'default' },
    ]);
    expect((await fsb('delete -f nobody -o json')).stdout).toBe('[]\n');
    expect((await fsb('delete b -o yaml')).stdout).toBe('- name: b\n  namespace: default\n');
    expect((await fsb('delete done -o name')).stdout).toBe('done\n');
  });

  it('prints errors as JSON, one object a line', async () => {
    const { stderr } = await fsb('delete nobody nowhere -o json');
    const errors = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).error);
    expect(errors.map(({ code }) => code)).toEqual(['not_found', 'not_found']);
  });

  it('shows everything about one', async () => {
    const { stdout } = await fsb('get a');
    expect(stdout).toMatch(/^Name: +a\nNamespace: +default\n/);
    expect(stdout).toContain('sleep 60');
  });
});

describe('the rest', () => {
  it('shows pools, images and versions', async () => {
    expect((await fsb('pool status')).stdout).toContain('default-pool');
    expect((await fsb('image ls -q')).stdout).toBe('000000000000\n');
    expect((await fsb('image import nothing.tar')).stderr).toContain(join(directory, 'nothing.tar'));
    expect((await fsb('image remove host nope')).code).toBe(4);
    expect((await fsb('version')).stdout).toMatch(/^fsb-ctl: .*\ncore: /);
  });

  it('prints the images that it removed in the format that was asked for', async () => {
    const image = imageInfo({ references: ['a:1'], digest: 'sha256:12' });
    const remove = async (reference: string) => {
      if (reference === 'nope') throw new FsbError('image_not_found', 'image nope is not here');
      return { image, untagged: [reference], deleted: true, freed: 0 };
    };
    const images = { core: { ...core, images: { ...core.images, remove } } };
    const some = await fsb('image remove b nope a -o json', images);
    expect(some.code).toBe(3);
    const removed = (name: string) => ({
      ...{ name, digest: 'sha256:12', untagged: [name], deleted: true, freed_bytes: 0 },
    });
    expect(JSON.parse(some.stdout)).toEqual([removed('b'), removed('a')]);
    expect((await fsb('rmi a -o yaml', images)).stdout).toBe(
      '- name: a\n  digest: sha256:12\n  untagged:\n    - a\n  deleted: true\n  freed_bytes: 0\n',
    );
    const plain = await fsb('rmi a', images);
    expect(plain).toMatchObject({ stdout: 'Untagged: a:latest\nDeleted: sha256:12\n', stderr: '' });
    for (const flags of ['-q', '-o name'])
      expect(await fsb(`rmi b a ${flags}`, images)).toEqual({ code: 0, stdout: 'b\na\n', stderr: '' });
  });

  it('starts no core to tell the version, and minds no core that is not there', async () => {
    const line = startCommandLine(['version', '--client'], { core });
    await line.code;
    expect(line.connections).toEqual([]);
    expect(line.stdout.text).toMatch(/^fsb-ctl: .*\n$/);
    const { stdout, ...rest } = await fsb('version', { core: undefined });
    expect(rest).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^fsb-ctl: .*\ncore: {4}.*not running.*\n$/);
    expect(JSON.parse((await fsb('version -o json', { core: undefined })).stdout).core).toBe(null);
  });

  it('tells its version before it says which configuration file is broken', async () => {
    await mkdir(join(directory, '.fsb'));
    await writeFile(join(directory, '.fsb/config.json'), '{ broken');
    const { code, stdout, stderr } = await fsb('version', { env: { HOME: directory } });
    expect({ code, stdout }).toEqual({
      code: 2,
      stdout: expect.stringMatching(/^fsb-ctl: \S+ \(node .*\)\n$/),
    });
    expect(stderr).toContain('.fsb/config.json');
  });

  it.each([
    ['lisst', 2, 'Did you mean fsb-ctl list?'],
    ['pool statsu', 2, 'Did you mean fsb-ctl pool status?'],
    ['list extra', 2, 'unexpected argument "extra"'],
    ['get', 2, 'missing NAME'],
    ['list -o xml', 2, 'table, wide, json, yaml, name'],
    ['--bogus list', 2, 'unknown flag --bogus'],
    ['--host', 2, 'flag --host expects a value'],
    ['--no-color -q -n', 2, 'flag --namespace expects a value'],
    ['--contxt x list', 2, 'Did you mean --context?'],
    ['--nmespace=x list', 2, 'Did you mean --namespace?'],
    ['imgae list', 2, 'Did you mean fsb-ctl image?'],
    ['hlp', 2, 'Did you mean fsb-ctl help?'],
    ['plugin ls', 2, 'every command is built in, see fsb-ctl --help'],
    ['daemon bogus', 2, 'Hint: See fsb-ctl daemon --help.'],
    ['help daemon bogus', 2, 'Hint: See fsb-ctl daemon --help.'],
    ['help lisst', 2, 'Did you mean fsb-ctl list?'],
    ['help pool statsu', 2, 'Did you mean fsb-ctl pool status?'],
    ['stop --grce 5s box', 2, 'Did you mean --grace?'],
    ['events --filter evnt=exited', 2, 'Did you mean event=...?'],
    ['config get nmespace', 2, 'Did you mean namespace?'],
    ['list --timeout soon', 2, '--timeout: invalid duration'],
    ['list -n UPPER', 2, 'invalid namespace'],
  ])('%s fails with %i', async (line, code, part) => {
    const result = await fsb(line);
    expect([result.code, result.stdout, result.stderr]).toEqual([code, '', expect.stringContaining(part)]);
    const json = await fsb(`${line} -o=json`);
    if (json.stderr !== '' && !line.includes('-o'))
      expect(JSON.parse(json.stderr).error.code).toBe('invalid_argument');
  });

  it.each(['--bogus list', 'lisst', 'pool statsu', 'run -- ls', 'list --bogus'])(
    '%s fails in JSON where that is configured, and nothing else is said',
    async (line) => {
      await mkdir(join(directory, '.fsb'));
      await writeFile(join(directory, '.fsb/config.json'), '{"output": "json"}');
      const env = { HOME: directory };
      expect(JSON.parse((await fsb(line, { env })).stderr).error.code).toBe('invalid_argument');
      expect((await fsb(`-o table ${line}`, { env })).stderr).toMatch(/^Error: /);
    },
  );

  it.each([
    ['pool get defualt-pool', 'Did you mean default-pool?'],
    ['--context defualt list', 'Did you mean default?'],
  ])('%s names nothing that there is', async (line, hint) => {
    expect(await fsb(line)).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining(hint) });
  });

  it.each(['verbose', 'Info ', 'toString'])('serves nothing with the log level %j', async (level) => {
    const env = { FSB_LOG_LEVEL: level, FSB_ROOT: join(directory, 'root') };
    const { code, stderr } = await fsb('serve', { env });
    expect([code, stderr]).toEqual([
      2,
      `Error: FSB_LOG_LEVEL: unknown level "${level}"\n` +
        'Hint: Use one of trace, debug, info, warn, error, fatal, silent.\n',
    ]);
  });

  it.each(['the first interrupt', '--timeout'])('gives up connecting at %s', async (how) => {
    const clock = createManualClock();
    const wire = new EventEmitter();
    const connect = async (): Promise<CoreApi> => {
      const connected = once(wire, 'connected');
      wire.emit('asked');
      await connected;
      return { ...core, close: async () => void wire.emit('closed') };
    };
    const asked = once(wire, 'asked');
    const line = startCommandLine(['list', '--timeout', '5s'], { connect, clock });
    await asked;
    if (how === '--timeout') await clock.advance(5000);
    else line.events.emit('SIGINT');
    expect([await line.code, line.forced]).toEqual([how === '--timeout' ? 124 : 130, []]);
    // Whoever answers too late is not kept.
    const closed = once(wire, 'closed');
    wire.emit('connected');
    await closed;
  });

  it('says that the core cannot be reached', async () => {
    expect((await fsb('list', { core: undefined })).code).toBe(6);
  });
});
