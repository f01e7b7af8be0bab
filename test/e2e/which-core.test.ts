import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Outcome, outcomeOf } from '../helpers/cli/cli-root.ts';
import { repository } from '../helpers/core/real-core.ts';

/** Which core and which namespace a command takes, and that it says who chose them. No core is there: its error names it. */

let root: string;
let home: string;
/** Below the root of a repository, with a file above it that is none of the repository's. */
let cwd: string;
let projectFile: string;
let userFile: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'fsb-which-core-'));
  home = join(root, 'home');
  const project = join(root, 'work/project');
  cwd = join(project, 'src/deep');
  projectFile = join(project, '.fsb/config.json');
  userFile = join(home, '.fsb/config.json');
  for (const directory of [cwd, join(project, '.git'), join(project, '.fsb'), join(root, 'work/.fsb'), home])
    await mkdir(directory, { recursive: true });
  await writeFile(join(root, 'work/.fsb/config.json'), '{"context": "above", "namespace": "of-above"}');
  for (const name of ['above', 'of-flag', 'of-env', 'of-project', 'of-user'])
    expect(await fsb(`context create ${name} --host unix:///${name}.sock -n in-${name}`)).toMatchObject({
      code: 0,
      stderr: '',
    });
});

afterEach(async () => {
  for (const file of [projectFile, userFile]) await rm(file, { force: true });
});

afterAll(() => rm(root, { recursive: true }));

/** Whoever may say something, and what. */
interface Said {
  flags?: string;
  env?: Record<string, string>;
  project?: Record<string, string>;
  user?: Record<string, string>;
}

function fsb(line: string, { flags = '', env }: Said = {}): Promise<Outcome> {
  const own = { HOME: home, XDG_CACHE_HOME: join(root, 'cache'), FSB_ROOT: root, FSB_NO_AUTOSTART: '1' };
  const argv = `${line} ${flags}`.trim().split(' ');
  const options = { env: { PATH: process.env.PATH, ...own, ...env }, cwd };
  return outcomeOf(spawn(join(repository, 'bin/run.js'), argv, options));
}

async function given({ project, user }: Said): Promise<void> {
  if (project) await writeFile(projectFile, JSON.stringify(project));
  if (user) await writeFile(userFile, JSON.stringify(user));
}

/** Each with all that those after it say: had it not the first word, another one's would be seen. */
function withAllAfter(places: Said[], at: number): Said {
  const lastWordsFirst = places.slice(at).reverse();
  const env = Object.assign({}, ...lastWordsFirst.map((one) => one.env));
  return { ...Object.assign({}, ...lastWordsFirst), env };
}

const origin = (text: string): string => text.replace('PROJECT', projectFile).replace('USER', userFile);

describe('the core is that of', () => {
  const order: [who: string, says: Said, endpoint: string, by: string][] = [
    ['--host', { flags: '--host unix:///flag.sock' }, 'unix:///flag.sock', 'flag:--host'],
    ['--context', { flags: '--context of-flag' }, 'unix:///of-flag.sock', 'context:of-flag'],
    ['FSB_HOST', { env: { FSB_HOST: 'unix:///env.sock' } }, 'unix:///env.sock', 'environment:FSB_HOST'],
    ['FSB_CONTEXT', { env: { FSB_CONTEXT: 'of-env' } }, 'unix:///of-env.sock', 'context:of-env'],
    ['the project', { project: { context: 'of-project' } }, 'unix:///of-project.sock', 'context:of-project'],
    ["the user's context", { user: { context: 'of-user' } }, 'unix:///of-user.sock', 'context:of-user'],
    ["the user's endpoint", { user: { endpoint: 'unix:///user.sock' } }, 'unix:///user.sock', 'user:USER'],
    ['this machine', {}, '', 'default'],
  ];
  const hints = {
    FSB_HOST: 'FSB_HOST that names unix:///env.sock.',
    FSB_CONTEXT: 'FSB_CONTEXT that names context of-env.',
    'the project': 'PROJECT that names context of-project.',
    "the user's context": 'USER that names context of-user.',
    "the user's endpoint": 'USER that names unix:///user.sock.',
  };

  it.each(order.map((row, at) => [...row, at] as const))(
    '%s before all that comes after it',
    async (who, _, endpoint, by, at) => {
      const places = order.map(([, says]) => says);
      const said = withAllAfter(places, at);
      await given(said);
      const { code, stdout, stderr } = await fsb('list', said);
      expect({ code, stdout }).toEqual({ code: 6, stdout: '' });
      const core = endpoint === '' ? 'Error: the local core is not running' : `the core at ${endpoint}:`;
      expect(stderr).toContain(core);
      const named = /^Hint: It is (.*?\.) Is it/m.exec(stderr)?.[1];
      expect(named).toBe(who in hints ? origin(hints[who as keyof typeof hints]) : undefined);
      expect(await fsb('config get endpoint --show-origin', said)).toEqual({
        ...{ code: 0, stdout: `${origin(by)}\t${endpoint}\n`, stderr: '' },
      });
    },
  );

  it('neither, where two of one place say it', async () => {
    const flags = '--host unix:///flag.sock --context of-flag';
    expect(await fsb('list', { flags })).toEqual({
      code: 2,
      stdout: '',
      stderr: 'Error: --host and --context contradict each other\nHint: Give one of them.\n',
    });
    await given({ user: { endpoint: 'unix:///user.sock', context: 'of-user' } });
    expect(await fsb('list')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(`endpoint and context in ${userFile} contradict each other`),
    });
  });
});

describe('the namespace is that of', () => {
  const order: [who: string, says: Said, shown: string][] = [
    ['-n', { flags: '-n flag' }, 'flag:--namespace\tflag'],
    ['FSB_NAMESPACE', { env: { FSB_NAMESPACE: 'env' } }, 'environment:FSB_NAMESPACE\tenv'],
    ['the project', { project: { namespace: 'ours', context: 'of-project' } }, 'project:PROJECT\tours'],
    ['the context', { project: { context: 'of-project' } }, 'context:of-project\tin-of-project'],
    ['the user', { project: { pool: 'other' }, user: { namespace: 'mine' } }, 'user:USER\tmine'],
    ['nobody', {}, 'default\tdefault'],
  ];

  it.each(order.map((row, at) => [...row, at] as const))(
    '%s before all that comes after it',
    async (_, __, shown, at) => {
      const places = order.map(([, says]) => says);
      const said = withAllAfter(places, at);
      await given(said);
      expect(await fsb('config get namespace --show-origin', said)).toEqual({
        ...{ code: 0, stdout: `${origin(shown)}\n`, stderr: '' },
      });
    },
  );
});

it('project and user say each key on their own, and config says which of them', async () => {
  const user = { pool: 'mine', output: 'wide', color: 'never', editor: 'ed', context: 'of-user' };
  await given({ user, project: { pool: 'ours', namespace: 'shop', color: 'always' } });
  const { code, stdout, stderr } = await fsb('config list -o json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const rows = JSON.parse(stdout) as { key: string; value: string; origin: string }[];
  expect(rows.map(({ key, value, origin }) => [key, value, origin])).toEqual([
    ['endpoint', 'unix:///of-user.sock', 'context:of-user'],
    ['context', 'of-user', `user:${userFile}`],
    ['namespace', 'shop', `project:${projectFile}`],
    ['editor', 'ed', `user:${userFile}`],
    ['output', 'json', 'flag:--output'],
    ['pool', 'ours', `project:${projectFile}`],
    ['color', 'always', `project:${projectFile}`],
  ]);
});

describe('a repository of somebody else', () => {
  it.each([
    [{ endpoint: 'unix:///theirs.sock' }, 'endpoint cannot be set by a project in PROJECT: it could send'],
    [{ editor: 'rm -rf ~' }, 'editor cannot be set by a project in PROJECT: it could make your machine'],
    [{ endpiont: 'x' }, 'unknown key "endpiont" in PROJECT'],
    [{ namespace: 'No/Name' }, 'namespace in PROJECT: '],
  ])('cannot say %j, and no command goes on', async (project, why) => {
    await given({ project, user: { endpoint: 'unix:///user.sock' } });
    for (const line of ['list', 'config get pool', 'run box --image host']) {
      const { code, stdout, stderr } = await fsb(line);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^Error: .*\nHint: .*\n$/);
      expect(stderr).toContain(`Error: ${origin(why)}`);
    }
  });

  it('can name only a context of yours', async () => {
    await given({ project: { context: 'theirs' }, user: { endpoint: 'unix:///user.sock' } });
    expect(await fsb('list')).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining(`context theirs does not exist (named by ${projectFile})`),
    });
  });

  it('ends at its root: what lies above it says nothing', async () => {
    expect((await fsb('config get context --show-origin')).stdout).toBe('default\tdefault\n');
  });
});
