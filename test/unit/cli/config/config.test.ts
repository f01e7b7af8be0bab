import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseEndpoint } from '../../../../src/cli/config/endpoint.ts';
import type { ConnectOptions } from '../../../../src/cli/terminal/world.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import {
  type CommandLineOptions,
  runCommandLine,
  startCommandLine,
} from '../../../helpers/cli/command-line.ts';
import { hostCore } from '../../../helpers/core/host-core/host-core.ts';

let home: string;
let project: string;
let below: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fsb-config-'));
  project = join(home, 'work/project');
  below = join(project, 'src/deep');
  await mkdir(below, { recursive: true });
  await mkdir(join(project, '.git'));
  await mkdir(join(home, '.fsb'));
});

afterEach(() => rm(home, { recursive: true }));

const user = () => join(home, '.fsb/config.json');
const fsb = (line: string, options: CommandLineOptions = {}) =>
  runCommandLine(
    line.match(/"[^"]*"|\S+/g)!.map((word) => word.replaceAll('"', '')),
    {
      cwd: below,
      ...options,
      env: { HOME: home, ...options.env },
    },
  );
const writeUser = (text: string) => writeFile(user(), text);
const writeProject = async (text: string, directory = project) => {
  await mkdir(join(directory, '.fsb'), { recursive: true });
  await writeFile(join(directory, '.fsb/config.json'), text);
};
const value = async (key: string, options: CommandLineOptions = {}): Promise<string> => {
  const { stdout, stderr } = await fsb(`config get ${key}`, options);
  return stdout.trimEnd() || stderr;
};

describe('files', () => {
  it('merge key by key: the project over the user', async () => {
    await writeUser('{"namespace": "mine", "pool": "ci"}');
    await writeProject('{"namespace": "shop"}');
    expect(await value('namespace')).toBe('shop');
    expect(await value('pool')).toBe('ci');
    const { stdout } = await fsb('config get namespace --show-origin');
    expect(stdout).toBe(`project:${project}/.fsb/config.json\tshop\n`);
  });

  it('of a project are looked for up to the root of the repository, and no further', async () => {
    await writeProject('{"namespace": "outer"}', join(home, 'work'));
    expect(await value('namespace')).toBe('default');
    await rm(join(project, '.git'), { recursive: true });
    expect(await value('namespace')).toBe('outer');
  });

  it('of the user are never those of a project', async () => {
    await writeUser('{"editor": "ed"}');
    expect(await value('editor', { cwd: home })).toBe('ed');
    await rm(join(project, '.git'), { recursive: true });
    expect(await value('editor')).toBe('ed');
    await symlink(home, join(home, 'other'));
    expect(await value('editor', { cwd: join(home, 'other') })).toBe('ed');
  });

  it.each([
    ['{"a": 1,}', /cannot use FILE: it is not JSON from line 1, column 9 on/],
    ['{\n  "pool": "a"\n  "x": 1\n}', /it is not JSON from line 3, column 3 on/],
    ['[]', /it must be one JSON object/],
    ['{"outptu": "json"}', /unknown key "outptu" in FILE\nHint: Did you mean output\?/],
    ['{"output": "jsn"}', /output in FILE: "jsn" is none of .*\nHint: Did you mean json\?/],
    ['{"output": 1}', /output in FILE: it must be a text in quotes/],
    ['{"endpoint": "somewhere"}', /endpoint in FILE: invalid endpoint "somewhere"/],
    ['{"namespace": "A B"}', /namespace in FILE: invalid namespace/],
    ['{"color": "blue"}', /color in FILE/],
    ['{"editor": " "}', /editor in FILE: the editor is empty/],
  ])('that are wrong name file and key: %s', async (text, message) => {
    await writeUser(text);
    const { code, stderr } = await fsb('list');
    expect(code).toBe(2);
    expect(stderr.replaceAll(user(), 'FILE')).toMatch(message);
  });

  it('may be empty, and begin with a byte order mark', async () => {
    await writeUser('');
    expect(await value('pool')).toBe('default-pool');
    await writeUser('\ufeff{"pool": "ci"}');
    expect(await value('pool')).toBe('ci');
  });

  it('that hang or are huge are refused', async () => {
    execFileSync('mkfifo', [user()]);
    expect((await fsb('list')).stderr).toContain('it is no ordinary file');
    await rm(user());
    await writeUser(`{"pool": "${'a'.repeat(70_000)}"}`);
    expect((await fsb('list')).stderr).toContain('it has more than 65536 bytes');
    await writeUser(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
    expect(await fsb('list')).toMatchObject({ code: 2, stderr: expect.stringContaining('it is not JSON') });
  });
});

it.each([
  ['config set color x', 'There are: auto, always, never.'],
  ['config set color allways', 'Did you mean always?'],
  ['config set editor  ', 'See fsb-ctl config set --help.'],
  ['context rm default', 'fsb-ctl context use NAME', 4],
])('%s says what to do', async (line, hint, exit = 2) => {
  const { code, stderr } = await fsb(line);
  expect(code).toBe(exit);
  expect(stderr).toMatch(/^Error: .*\nHint: .*\n$/);
  expect(stderr).toContain(hint);
});

it.each(['{"namespace": ', '{"bogus": 1}'])('that cannot be used is a row of doctor: %s', async (text) => {
  await writeUser(text);
  const { code, stdout, stderr } = await fsb('doctor -o table', { env: { FSB_ROOT: home } });
  expect([code, stdout]).toEqual([1, expect.stringMatching(/^configuration +NO +.*config\.json/m)]);
  expect(stderr).toMatch(/^Hint: configuration: /m);
  expect(await fsb('version --client')).toMatchObject({ code: 0, stderr: '' });
  expect(await fsb('daemon status', { env: { FSB_ROOT: home } })).toMatchObject({ code: 0, stderr: '' });
  // One that asks a core must not take another one for the one that was meant.
  expect(await fsb('version')).toMatchObject({ code: 2, stderr: expect.stringContaining(user()) });
});

it.each(['doctor', 'daemon status', 'daemon stop'])('%s says that it is about this machine', async (line) => {
  const env = { FSB_ROOT: home };
  const told = 'This is about the core of this machine; other commands talk to ';
  expect((await fsb(line, { env })).stderr).not.toContain(told);
  const there = await fsb(line, { env: { ...env, FSB_HOST: 'tcp://far:1' } });
  expect(there.stderr).toContain(`${told}tcp://far:1 (environment:FSB_HOST).\n`);
  await fsb('context create far --host tcp://far:2');
  await writeUser('{"context": "far"}');
  const configured = await fsb(line, { env });
  expect(configured.stderr).toContain(`${told}tcp://far:2 (user:${user()}).\n`);
  const quiet = await fsb(`${line} -q`, { env: { ...env, FSB_CONTEXT: 'far' } });
  expect([quiet.code, quiet.stderr.includes(told)]).toEqual([configured.code, false]);
});

describe('a project', () => {
  it.each([
    ['endpoint', 'tcp://evil:1'],
    ['editor', 'sh -c evil'],
  ])('cannot set %s', async (key, text) => {
    await writeProject(JSON.stringify({ [key]: text }));
    const { code, stderr } = await fsb('list');
    expect(code).toBe(2);
    expect(stderr).toContain(`${key} cannot be set by a project in ${project}/.fsb/config.json: it could`);
    const set = await fsb(`config set --project ${key} x`);
    expect(set.code).toBe(2);
  });

  it('names a context of the user, and none of its own', async () => {
    await writeProject('{"context": "build"}');
    expect(await fsb('list')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining(`context build does not exist (named by ${project}/.fsb/config.json)`),
    });
    await fsb('context create build --host tcp://build:1 -n there');
    expect(await value('endpoint')).toBe('tcp://build:1');
    await mkdir(join(project, '.fsb/contexts'));
    await writeProject('{"context": "../../work/x"}');
    expect((await fsb('list')).code).toBe(2);
  });
});

describe('config set and unset', () => {
  it('write what only the user can read, and keep the form of the file', async () => {
    expect(await fsb('config set output json')).toEqual({ code: 0, stdout: 'output=json\n', stderr: '' });
    expect((await stat(user())).mode & 0o777).toBe(0o600);
    await writeUser('{\n\t"pool": "ci",\n\t"output": "json"\n}\n');
    await fsb('config set namespace shop');
    await fsb('config set pool other');
    expect(await readFile(user(), 'utf8')).toBe(
      '{\n\t"pool": "other",\n\t"output": "json",\n\t"namespace": "shop"\n}\n',
    );
    await fsb('config unset output');
    await fsb('config unset output');
    expect(JSON.parse(await readFile(user(), 'utf8'))).toEqual({ pool: 'other', namespace: 'shop' });
    expect(await readdir(join(home, '.fsb'))).toEqual(['config.json']);
  });

  it.each([
    ['the file', '.fsb/config.json', 'stolen.json'],
    ['the file, to one that is not there', '.fsb/config.json', 'new.json'],
    ['its directory', '.fsb', 'elsewhere'],
  ])('of a project never go where a link for %s leads', async (_, link, target) => {
    await mkdir(join(home, 'elsewhere'));
    await writeFile(join(home, 'elsewhere/config.json'), '{}');
    await writeFile(join(home, 'stolen.json'), '{}');
    if (link !== '.fsb') await mkdir(join(project, '.fsb'));
    await symlink(join(home, target), join(project, link));
    const outcome = await fsb('config set --project namespace shop');
    expect(outcome).toMatchObject({ code: 7, stderr: expect.stringContaining('leads elsewhere') });
    for (const file of ['elsewhere/config.json', 'stolen.json'])
      expect(await readFile(join(home, file), 'utf8')).toBe('{}');
    expect(await readdir(home)).not.toContain('new.json');
  });

  it('of a project go to its root', async () => {
    await fsb('config set --project namespace shop');
    expect(JSON.parse(await readFile(join(project, '.fsb/config.json'), 'utf8'))).toEqual({
      namespace: 'shop',
    });
    await fsb('config unset --project namespace');
    expect(await value('namespace')).toBe('default');
  });

  it('refuse what could not be read again, and can mend it', async () => {
    expect(await fsb('config set outptu json')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean output?'),
    });
    expect((await fsb('config set output jsn')).code).toBe(2);
    expect((await fsb('config set context none')).code).toBe(3);
    await fsb('config set endpoint tcp://a:1');
    expect(await fsb('config set context default')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('fsb-ctl config unset endpoint'),
    });
    await writeUser('{"outptu": "json"}');
    expect((await fsb('config unset nonsense')).code).toBe(2);
    expect((await fsb('config unset outptu')).code).toBe(0);
    expect((await fsb('config list')).code).toBe(0);
  });

  it('at the same time forget nothing', async () => {
    const keys = ['namespace', 'pool', 'output', 'color', 'editor'];
    const values = ['a', 'b', 'json', 'never', 'ed'];
    await Promise.all(keys.map((key, i) => fsb(`config set ${key} ${values[i]}`)));
    expect(Object.keys(JSON.parse(await readFile(user(), 'utf8'))).sort()).toEqual([...keys].sort());
  });
});

describe('settings', () => {
  it('say how commands print', async () => {
    await writeUser('{"output": "json"}');
    expect(JSON.parse((await fsb('config list')).stdout)).toHaveLength(7);
    expect((await fsb('config list -o table')).stdout).toMatch(/^KEY +VALUE +ORIGIN\n/);
    expect((await fsb('config list -q')).stdout).toMatch(/^endpoint\n/);
    expect(JSON.parse((await fsb('context show nope')).stderr)).toMatchObject({
      error: { code: 'not_found' },
    });
  });

  it('say whether there are colours, where nothing forbids them', async () => {
    const colored = async (line: string, options: CommandLineOptions = {}): Promise<boolean> =>
      (await fsb(`doctor ${line}`, options)).stdout.includes('\u001b[');
    expect(await colored('')).toBe(false);
    await writeUser('{"color": "always"}');
    expect(await colored('')).toBe(true);
    expect(await colored('--no-color')).toBe(false);
    expect(await colored('', { env: { NO_COLOR: '1' } })).toBe(false);
    await writeUser('{"color": "never"}');
    expect(await colored('', { tty: true })).toBe(false);
  });

  it('say which pool run takes from, unless something else does', async () => {
    const core = hostCore();
    await writeUser('{"pool": "ci"}');
    await writeFile(join(below, 'spec.yaml'), 'image: host\nargs: [sleep, "60"]\npool_ref: file-pool\n');
    const poolOf = async (name: string, flags: string): Promise<string | undefined> => {
      expect((await fsb(`run ${name} -q ${flags}`, { core })).stderr).toBe('');
      return (await core.sandboxes.get({ namespace: 'default', name })).spec.pool_ref;
    };
    expect(await poolOf('a', '--image host sleep 60')).toBe('ci');
    expect(await poolOf('b', '--pool mine --image host sleep 60')).toBe('mine');
    expect(await poolOf('c', '-f spec.yaml')).toBe('file-pool');
    await fsb('delete a b c --grace 0s', { core });
    await core.close();
  });

  it('say which core and namespace', async () => {
    await fsb('context create build --host tcp://build:1 -n there');
    await fsb('context use build');
    const line = startCommandLine(['list'], { env: { HOME: home }, cwd: below });
    await line.code;
    expect(line.connections).toMatchObject([{ endpoint: 'tcp://build:1', start: true }]);
    expect(await value('namespace')).toBe('there');
    expect(await value('namespace', { env: { FSB_CONTEXT: 'default' } })).toBe('default');
    expect((await fsb('list --host tcp://a --context build')).code).toBe(2);
  });
});

describe('what is not there, and nobody has typed', () => {
  it.each([
    ['run box --image host true', 'pool nopool does not exist', 'pool nopool'],
    ['pool run true', 'pool nopool does not exist', 'pool nopool'],
  ])('is told with the file that names it: %s', async (line, message, what) => {
    await writeUser('{"pool": "nopool"}');
    await using core = hostCore();
    const missing = new FsbError('not_found', message, { hint: 'See fsb-ctl pool list.' });
    vi.spyOn(core.sandboxes, 'create').mockRejectedValue(missing);
    vi.spyOn(core.pools, 'run').mockRejectedValue(missing);
    vi.spyOn(core.pools, 'get').mockRejectedValue(missing);
    const { code, stderr } = await fsb(line, { core });
    const hint = `It is ${user()} that names ${what}. See fsb-ctl pool list.`;
    expect([code, stderr]).toEqual([3, `Error: ${message}\nHint: ${hint}\n`]);
    const typed = await fsb(`${line.replace('true', '--pool nopool')} true`, { core });
    expect(typed.stderr).not.toContain('It is');
  });

  it('is told of the core, too, whoever named that', async () => {
    const connect = async () => {
      throw new FsbError('unavailable', 'cannot reach the core', { hint: 'Is it running?' });
    };
    const dead = 'tcp://127.0.0.1:1';
    await writeUser(`{"endpoint": "${dead}"}`);
    const hints = async (line: string, env: Record<string, string> = {}) =>
      (await fsb(line, { connect, env })).stderr.split('\n')[1];
    expect(await hints('list')).toBe(`Hint: It is ${user()} that names ${dead}. Is it running?`);
    expect(await hints('list', { FSB_HOST: 'tcp://127.0.0.1:2' })).toBe(
      'Hint: It is FSB_HOST that names tcp://127.0.0.1:2. Is it running?',
    );
    expect(await hints('list --host tcp://127.0.0.1:2')).toBe('Hint: Is it running?');
  });

  it('is not told of a core that was reached, and has answered', async () => {
    await using core = hostCore();
    const failure = new FsbError('unavailable', 'cannot pull a: registry-1.docker.io: unknown host name', {
      hint: 'Has the core DNS?',
    });
    vi.spyOn(core.images, 'pull').mockImplementation(() => {
      throw failure;
    });
    const { stderr } = await fsb('image pull a', { core, env: { FSB_HOST: 'tcp://127.0.0.1:2' } });
    expect(stderr.split('\n')).toContain('Hint: Has the core DNS?');
  });

  it('is told where it can be no core, or no namespace', async () => {
    const connect = async ({ endpoint = '' }: ConnectOptions): Promise<never> => {
      parseEndpoint(endpoint);
      return expect.unreachable();
    };
    const hint = async (line: string, env: Record<string, string> = {}) =>
      (await fsb(line, { connect, env })).stderr.split('\n')[1];
    expect(await hint('list', { FSB_HOST: 'garbage' })).toMatch(
      /^Hint: It is FSB_HOST that names garbage\. .*embedded:\.$/,
    );
    expect(await hint('list --host garbage')).toMatch(/embedded:\.$/);
    expect(await hint('get x', { FSB_NAMESPACE: 'BAD NS' })).toMatch(
      /^Hint: It is FSB_NAMESPACE that names the namespace\./,
    );
    expect(await hint('get x -n BAD')).toMatch(/first and last\.$/);
  });
});
