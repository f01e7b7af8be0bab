import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deeds, looks, looksOfDaemon, rowsOfJson, rowsOfYaml } from '../helpers/cli/format-lines.ts';
import { onlyOver } from '../helpers/cli/only-over.ts';
import { makeShell, type Shell } from '../helpers/cli/shell.ts';
import { repository } from '../helpers/core/real-core.ts';
import { writeBusyboxImage } from '../helpers/image/busybox-image.ts';

/** What a script may rely on, sentence by sentence; signals and streams are in script-streams.test.ts. */

let shell: Shell;

beforeAll(async () => {
  shell = await makeShell();
  await shell.succeed('fsb-ctl run box --image host -- sleep 1000');
});

afterAll(async () => {
  expect(await shell.cli.close()).toEqual([]);
});

const names = async (): Promise<string[]> =>
  (await shell.succeed('fsb-ctl list -a -q')).split('\n').filter((name) => name !== '');

describe('stdout carries the result only', () => {
  it.each([
    ['fsb-ctl run -q one --image host -- true; fsb-ctl delete -q one', /^[0-9a-f]{32}\none\n$/],
    ['fsb-ctl run one --rm --image host -- echo hi', /^hi\n$/],
    ['fsb-ctl exec box sh -c "echo out; echo err >&2"', /^out\n$/],
    ['fsb-ctl pool run --image host echo hi', /^hi\n$/],
    ['fsb-ctl exec -d box sleep 5', /^$/],
    ['fsb-ctl pool status -q', /^default-pool\n$/],
    ['fsb-ctl get nobody || fsb-ctl lst || fsb-ctl run nobody || fsb-ctl logs nobody', /^$/],
    ['fsb-ctl cp /etc/hostname box:/tmp/', /^$/],
  ])('%s', async (line, all) => {
    expect((await shell.run(line)).stdout).toMatch(all);
  });

  onlyOver(['unix'], 'the daemon').it('a daemon that starts says where', async () => {
    const { stdout } = await shell.run('fsb-ctl daemon stop; fsb-ctl daemon start -q; fsb-ctl list -q');
    expect(stdout).toMatch(/^unix:\/\/\S+\nbox\n$/);
  });

  onlyOver(['unix'], 'the daemon').it('a daemon that starts keeps no lock of the script', async () => {
    const script = 'fsb-ctl daemon stop; (flock 200; fsb-ctl list -q) 200>lock; flock -n lock echo free';
    expect((await shell.run(script)).stdout).toBe('box\nfree\n');
  });
});

describe('the forms of a result', () => {
  beforeAll(async () => {
    const files = await writeBusyboxImage(shell.home, { name: 'docker.io/library/alpine:latest' });
    await shell.succeed(`mv ${files.dockerSave} alpine.tar; fsb-ctl pool create -q quiet`);
  });

  /** Nothing beside the result is said, whatever the form. */
  const said = async (line: string, form: string): Promise<string> => {
    const { code, stdout, stderr } = await shell.run(`fsb-ctl ${line} ${form}`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  };

  it.each(deeds)('are JSON and nothing else of what does something: %s', async (line) => {
    expect(rowsOfJson(await said('-o json', line))).not.toEqual([]);
  });

  it.each(deeds)('are YAML and nothing else of what does something: %s', async (line) => {
    expect(rowsOfYaml(await said('-o yaml', line))).not.toEqual([]);
  });

  const sayTheSame = async (line: string): Promise<void> => {
    const forms = ['-o json', '-o yaml', "-o 'jsonpath={$}'", "--format '{{json .}}'", '-o name', '-o wide'];
    const [json, yaml, path, template, name, wide] = await Promise.all(forms.map((form) => said(line, form)));
    const rows = rowsOfJson(json!);
    expect(rowsOfYaml(yaml!)).toEqual(rows);
    expect(rowsOfJson(path!)).toMatchObject(rows);
    // With docker's names for it, too.
    expect(rowsOfJson(template!)).toMatchObject(rows);
    const names = name!.split('\n').slice(0, -1);
    expect(names.length > 0).toBe(rows.length > 0);
    for (const each of names) expect(json).toContain(each);
    expect(wide).toMatch(/^[^{[].*\S\n$/s);
  };
  it.each(looks)('say the same of what only looks: %s', sayTheSame);
  onlyOver(['unix'], 'the daemon, and the context of who names no core').it.each(looksOfDaemon)(
    'say the same of what only looks: %s',
    sayTheSame,
  );

  const isData = async (line: string): Promise<void> => {
    expect(rowsOfJson(await said('-o json', line))).not.toEqual([]);
    expect(rowsOfYaml(await said('-o yaml', line))).not.toEqual([]);
  };
  // It names the form that was asked for.
  it('are nothing else of what is configured', () => isData('config list'));
  onlyOver(['unix'], 'the daemon').it('are nothing else of a daemon that runs already', () =>
    isData('daemon start'),
  );
});

describe('-o json', () => {
  const isLines = async (line: string): Promise<void> => {
    await shell.succeed(
      'fsb-ctl run talk -q --image host -- sh -c "echo 1; echo 2 >&2; echo 3"; fsb-ctl wait talk',
    );
    const { code, stdout, stderr } = await shell.run(`fsb-ctl ${line} -o json`);
    const yaml = await shell.run(`fsb-ctl ${line} -o yaml`);
    await shell.succeed('fsb-ctl delete talk');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    // What is written at once may come as one.
    expect(lines.length).toBeGreaterThan(1);
    for (const text of lines) expect(JSON.parse(text)).toEqual(expect.any(Object));
    // A document after each `---`, which say the same.
    expect(yaml).toMatchObject({ code: 0, stderr: '' });
    expect(yaml.stdout.match(/^---$/gm)).toHaveLength(lines.length);
    expect(rowsOfYaml(yaml.stdout)).toEqual(rowsOfJson(stdout));
  };
  it.each(['logs -f talk'])('is one object a line where it streams: %s', isLines);
  onlyOver(['unix', 'tls'], 'an embedded core has no past').it.each(['events --no-stream'])(
    'is one object a line where it streams: %s',
    isLines,
  );

  it.each([
    ['get nobody -o json', 3, 'not_found'],
    ['-o json get nobody', 3, 'not_found'],
    ['exec --json nobody true', 3, 'not_found'],
    ['lst -ojson', 2, 'invalid_argument'],
    ['run -o=json', 2, 'invalid_argument'],
    ['run x --image host --memory much --output=json', 2, 'invalid_argument'],
    ['run box --image host -o json -- true', 4, 'already_exists'],
    ['--host tcp://127.0.0.1:1 list --json', 6, 'unavailable'],
    ['run x -f none.yaml --json', 3, 'not_found'],
    ['wait nobody --json', 3, 'not_found'],
    ['--context nowhere list --json', 3, 'not_found'],
    ['exec --timeout 200ms --json box sleep 60', 124, 'timeout'],
    ['run x --rm --json --image host -- no-such-program', 127, 'command_not_found'],
  ])('a failure is one object on stderr, and nothing on stdout: %s', async (line, code, kind) => {
    const outcome = await shell.run(`fsb-ctl ${line} </dev/null`);
    expect(outcome).toMatchObject({ code, stdout: line.startsWith('wait') ? '[]\n' : '' });
    const { error, ...rest } = JSON.parse(outcome.stderr);
    expect([error.code, typeof error.message, rest]).toEqual([kind, 'string', {}]);
    expect(Object.keys(error).filter((key) => !['code', 'message', 'hint'].includes(key))).toEqual([]);
  });
});

describe('the core and the namespace', () => {
  onlyOver(['unix'], 'the socket').it('are those of the line, whatever else is said', async () => {
    const real = 'unix://$FSB_ROOT/run/fsb.sock';
    const wrong = 'FSB_HOST=unix:///nowhere FSB_CONTEXT=nowhere';
    expect(await shell.succeed(`${wrong} fsb-ctl --host ${real} list -q`)).toBe('box\n');
    expect(await shell.succeed(`${wrong} FSB_HOST=${real} fsb-ctl list -q`)).toBe('box\n');
    expect(await shell.succeed(`${wrong} fsb-ctl --context default list -q`)).toBe('box\n');
  });

  it('are of every command: a name is one in its namespace only', async () => {
    await shell.succeed('fsb-ctl run -n shop -q box --image host -- sleep 1000');
    const id = "-o jsonpath='{.namespace}'";
    const line = `export FSB_NAMESPACE=shop; fsb-ctl get box ${id}; fsb-ctl get box -n default ${id}; fsb-ctl delete -f box; fsb-ctl list -a -q`;
    expect(await shell.succeed(line)).toBe('shop\ndefault\nbox\n');
    expect(await names()).toEqual(['box']);
  });
});

it('a failure is an object as docs/output.md shows it', async () => {
  const { code, stderr } = await shell.run('fsb-ctl get nobody -o json');
  expect(code).toBe(3);
  expect(await readFile(join(repository, 'docs/output.md'), 'utf8')).toContain(`\n    ${stderr}`);
});

describe('the help of a command', () => {
  it.each(['list --help', 'list -h', '--help list', '-h ls', 'help list'])('comes with %s', async (line) => {
    expect(await shell.succeed(`fsb-ctl ${line}`)).toContain('--sort-by');
  });
});

describe('a working directory that was removed', () => {
  it('is nothing to what needs no file', async () => {
    const outcome = await shell.run('mkdir gone; cd gone; rmdir ../gone; fsb-ctl list -q');
    expect(outcome).toMatchObject({ code: 0, stdout: 'box\n' });
  });
});

describe('a reader that takes nothing', () => {
  it.each(['fsb-ctl logs -f flood', 'fsb-ctl logs -f flood -o json', 'fsb-ctl cp flood:/usr -'])(
    'keeps nobody from ending it: %s',
    async (line) => {
      await shell.run('fsb-ctl run flood --image host -- sh -c "exec yes"');
      const script = `${line} > >(exec sleep 8 >/dev/null 2>&1) & pid=$!; sleep 1; kill -TERM $pid; wait $pid; echo $?`;
      expect(await shell.run(script)).toMatchObject({ stdout: '143\n' });
      await shell.succeed('fsb-ctl delete -f flood');
    },
  );
});

describe('run -d -q and --id-file', () => {
  it('print and keep the id alone', async () => {
    const id = await shell.succeed('fsb-ctl run -d -q kept --image host --id-file id -- sleep 1000');
    expect(id).toMatch(/^[0-9a-f]{32}\n$/);
    expect(await readFile(join(shell.home, 'id'), 'utf8')).toBe(id.trim());
    expect(JSON.parse(await shell.succeed('fsb-ctl get kept -o json')).id).toBe(id.trim());
    expect(await shell.run('fsb-ctl run other --image host --id-file id -- true')).toMatchObject({ code: 4 });
    expect(await names()).toEqual(['box', 'kept']);
    await shell.succeed('fsb-ctl delete -f kept; rm id');
  });

  it.each([
    'box --image host -- true',
    'x --image no-such-image --pull never -- true',
    'x --image host -- no-such-program',
    'x --rm --image host -- no-such-program',
    'x --image host --pool nowhere -- true',
  ])('leave no file behind a failure: %s', async (line) => {
    expect((await shell.run(`fsb-ctl run --id-file gone ${line}`)).code).not.toBe(0);
    expect(await readdir(shell.home)).not.toContain('gone');
    await shell.run('fsb-ctl delete -f x');
  });
});

describe('delete a b c', () => {
  it('does all of them side by side, each once, and tells every failure', async () => {
    const ignoring = `sh -c 'trap "" TERM; while :; do sleep 1; done'`;
    for (const name of ['a', 'b', 'c'])
      await shell.succeed(`fsb-ctl run ${name} --image host -- ${ignoring}`);
    const outcome = await shell.run('fsb-ctl delete no1 c b no2 a b --grace 1s');
    expect(outcome).toMatchObject({ code: 3, stdout: 'c\nb\na\n' });
    expect(outcome.stderr.match(/^Error: .*no[12]/gm)).toHaveLength(2);
    expect(await names()).toEqual(['box']);
  });

  it('echoes in the order given, whichever is done first', async () => {
    await shell.succeed(`fsb-ctl run slow --image host -- sh -c 'trap "" TERM; while :; do sleep 1; done'`);
    await shell.succeed('fsb-ctl run quick --image host -- sleep 1000');
    expect(await shell.succeed('fsb-ctl delete slow quick --grace 1s')).toBe('slow\nquick\n');
  });
});

describe('--idempotency-key', () => {
  it('gives the same sandbox for the same create, one at a time and at once', async () => {
    const create = (name: string, key: string) =>
      shell.run(`fsb-ctl run ${name} -q --idempotency-key ${key} --image host -- sleep 1000`);
    const outcomes = await Promise.all([1, 2, 3].map(() => create('once', 'k1')));
    outcomes.push(await create('once', 'k1'));
    expect(new Set(outcomes.map(({ code, stdout }) => `${code} ${stdout}`)).size).toBe(1);
    expect(outcomes[0]!.code).toBe(0);
    expect((await create('once', 'k2')).code).toBe(4);
    expect((await create('other', 'k1')).code).toBe(4);
    expect(await names()).toEqual(['box', 'once']);
    await shell.succeed('fsb-ctl delete -f once');
  });
});

describe('--timeout', () => {
  it.each([
    'exec --timeout 300ms box sleep 60',
    'wait --timeout 300ms box',
    'logs -f --timeout 300ms box',
    'events --timeout 300ms',
    'attach --timeout 300ms box',
    'pool run --timeout 2s sleep 60',
    'pool status --watch --timeout 300ms',
    'port-forward --timeout 300ms box 0:80',
    'run timed --rm --timeout 1s --image host -- sleep 60',
    '--timeout 300ms exec box sleep 60',
  ])('ends the call with 124: %s', async (line) => {
    const outcome = await shell.run(`fsb-ctl ${line}`);
    expect(outcome).toMatchObject({
      code: 124,
      stderr: expect.stringMatching(/^(.*\n)*Error: not done within .*\nHint: /),
    });
    // What was given up is ended after the answer.
    await expect.poll(names).toEqual(['box']);
  });

  onlyOver(['unix'], 'a daemon that hangs').it(
    'ends doctor, too, when the core does not answer',
    async () => {
      const { pid } = JSON.parse(await shell.succeed('fsb-ctl daemon status -o json'));
      // Of nothing it would be this whole group of processes.
      expect(pid).toBeGreaterThan(1);
      process.kill(pid, 'SIGSTOP');
      try {
        expect(await shell.run('fsb-ctl doctor --timeout 1s')).toMatchObject({ code: 124 });
      } finally {
        process.kill(pid, 'SIGCONT');
      }
    },
  );

  it.each([
    'run new -f pipe',
    'run new -f /dev/fd/3 3<>pipe',
    'run new --env-file pipe',
    'pool create new -f pipe',
  ])('ends the wait for a pipe, as an interrupt does: %s', async (line) => {
    await shell.succeed('mkfifo pipe');
    const codes = await shell.succeed(
      `timeout -s KILL 10 fsb-ctl --timeout 300ms ${line}; echo $?
        timeout --preserve-status -k 10 -s INT 2 fsb-ctl ${line}; echo $?; rm pipe`,
    );
    expect(codes).toBe('124\n130\n');
  });

  it('is more than enough for what is quick', async () => {
    expect(await shell.run('fsb-ctl --timeout 1h30m list -q')).toMatchObject({ code: 0, stdout: 'box\n' });
  });

  it('ends what ran, too', async () => {
    await shell.run('fsb-ctl exec --timeout 300ms box sleep 4321');
    await expect.poll(() => shell.succeed('fsb-ctl top box')).not.toContain('4321');
  });
});

it.each(['', 'sleep 1; '])('a file may be what another command writes: %j', async (first) => {
  const spec = `{ ${first}echo '{image: host, args: [printenv, A]}'; }`;
  const outcome = await shell.run(`fsb-ctl run new --rm -f <(${spec}) --env-file <(echo A=hello)`);
  expect(outcome).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
});

describe('durations and sizes', () => {
  const spec = async (flags: string) => {
    await shell.succeed(`fsb-ctl run sized ${flags} --image host -- sleep 1000`);
    const shown = JSON.parse(await shell.succeed('fsb-ctl get sized -o json'));
    await shell.succeed('fsb-ctl delete -f sized');
    return shown;
  };

  it.each([
    ['90s', 90],
    ['5m', 300],
    ['1h30m', 5400],
    ['2d', 172_800],
  ])('--ttl %s', async (text, seconds) => {
    const { expires_at, started_at } = await spec(`--ttl ${text}`);
    expect(Date.parse(expires_at) - Date.parse(started_at)).toBe(seconds * 1000);
  });

  it.each([
    ['512m', 512 * 2 ** 20],
    ['1.5g', 1.5 * 2 ** 30],
    ['65536Ki', 2 ** 26],
  ])('--memory %s', async (text, bytes) => {
    expect(JSON.stringify(await spec(`--memory ${text}`))).toContain(String(bytes));
  });

  it.each([
    ...['--ttl 5x', '--ttl -5s', '--ttl ""', '--ttl 1h-5m', '--timeout soon'],
    ...['--memory 5q', '--memory -1', '--memory ""', '--memory m', '--cpus 0', '--pids 0', '--pids x'],
  ])('wrong ones are told with their flag: %s', async (flags) => {
    const outcome = await shell.run(`fsb-ctl run wrong ${flags} --image host -- true`);
    expect(outcome).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr).toMatch(new RegExp(`^Error: ${flags.split(' ')[0]}\\b.*\n(Hint: .*\n)?$`));
    expect(await names()).toEqual(['box']);
  });

  it.each([
    'run wrong --image host --cpus 1000 -- true',
    'run wrong --image host --cpus 0.001 -- true',
    'pool run --cpus 1000 true',
    'update box --cpus 1000',
    'pool create wrong --image host --cpus 1000',
    'pool update default-pool --cpus 1000',
  ])('no more cores than there are: %s', async (line) => {
    const { code, stdout, stderr } = await shell.run(`fsb-ctl ${line}`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`from 0.01 to ${cpus().length}`);
    expect(await names()).toEqual(['box']);
  });

  it.each([
    'run wrong --image host --pids 100000000 -- true',
    'update box --pids 100000000',
    'pool create wrong --image host --pids 100000000',
  ])('no more processes than the kernel has ids: %s', async (line) => {
    const { code, stdout, stderr } = await shell.run(`fsb-ctl ${line}`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`from 1 to ${readFileSync('/proc/sys/kernel/pid_max', 'utf8').trim()}`);
    expect(await names()).toEqual(['box']);
  });
});

describe("everything after NAME's first positional belongs to the command", () => {
  it.each([
    ['exec box echo -la --help', '-la --help\n'],
    ['exec -w /tmp box pwd', '/tmp\n'],
    ['exec box -- echo --json -q', '--json -q\n'],
    ['exec box -w /tmp -- pwd', '/tmp\n'],
    ['exec box -w /tmp pwd -P', '/tmp\n'],
    ['exec box sh -c "echo \\$#" -- a -- b', '3\n'],
    ['run p --rm --image host echo -e A=B --rm --help -h', 'A=B --rm --help -h\n'],
    ['run p --rm --image host -- echo --rm', '--rm\n'],
    ['pool run echo --lease -h', '--lease -h\n'],
    ['pool run -- echo --lease', '--lease\n'],
    ['exec -e A=1 --env B=2 box sh -c "echo \\$A\\$B"', '12\n'],
  ])('%s', async (line, stdout) => {
    const outcome = await shell.run(`fsb-ctl ${line.replace('echo -e', "printf '%s %s %s %s\\n'")}`);
    expect(outcome).toEqual({ code: 0, stdout, stderr: '' });
  });
});

describe('exec -w', () => {
  it.each([
    [
      '/not/there',
      127,
      'is not there in the sandbox\nHint: Make it first, with: fsb-ctl exec box mkdir -p /not/there',
    ],
    ['/etc/passwd', 126, 'it is a file'],
    ['/etc/passwd/x', 126, 'cannot be entered'],
  ])('makes no directory: %s', async (path, code, why) => {
    const outcome = await shell.run(`fsb-ctl exec -w ${path} box pwd`);
    expect(outcome).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(why) });
    expect(await shell.run(`fsb-ctl exec box test -d ${path}`)).toMatchObject({ code: 1 });
  });
});

describe('did you mean', () => {
  it.each([
    ['lsit', 'fsb-ctl list'],
    ['pool statu', 'fsb-ctl pool status'],
    ['list --al', '--all'],
    ['config get namespac', 'namespace'],
    ['config set outpt json', 'output'],
    ['run y -f wrong.yaml', 'image'],
    ['pool get defualt-pool', 'default-pool'],
    ['run y --image host --pool default-pol -- true', 'default-pool'],
    ['run y --image hots --pull never -- true', 'host'],
    ['get bxo', 'box'],
    ['exec bos true', 'box'],
    ['delete boxx', 'box'],
    ['context use defautl', 'default'],
  ])('%s -> %s', async (line, near) => {
    await writeFile(join(shell.home, 'wrong.yaml'), 'imag: host\nargs: [sleep, "1"]\n');
    const outcome = await shell.run(`fsb-ctl ${line}`);
    expect(outcome.code).toBeGreaterThan(1);
    expect(outcome.stderr).toMatch(new RegExp(`[Dd]id you mean .*${near}`));
  });
});
