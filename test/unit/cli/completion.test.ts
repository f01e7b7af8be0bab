import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeManifest } from '../../../scripts/build/manifest.ts';
import { kindOfArgument } from '../../../src/cli/completion/kinds.ts';
import { splitLine } from '../../../src/cli/completion/split-line.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { type CommandLineOptions, runCommandLine } from '../../helpers/cli/command-line.ts';
import { type HostCore, hostCore } from '../../helpers/core/host-core/host-core.ts';
import { createManualClock } from '../../helpers/manual-clock.ts';

const { commands } = await makeManifest(resolve(import.meta.dirname, '../../..'));
const visible = Object.values(commands).filter(({ hidden }) => !hidden);

/** What the last of the words may become, and the line for the shell. */
async function complete(
  words: string[],
  options?: CommandLineOptions,
): Promise<{ values: string[]; directive: string }> {
  const { code, stdout, stderr } = await runCommandLine(['__complete', '--', ...words], options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  return { directive: lines.pop()!, values: lines.map((line) => line.split('\t')[0]!) };
}

const values = async (words: string[], options?: CommandLineOptions): Promise<string[]> =>
  (await complete(words, options)).values;

describe('every command of the manifest', () => {
  const names = visible.flatMap(({ id, aliases }) => [id, ...aliases]).map((name) => name.split(':'));

  it.each(names.map((words) => [words.join(' '), words] as const))('%s', async (_, words) => {
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!;
      expect(await values([...words.slice(0, i), word.slice(0, 2)])).toContain(word);
    }
  });

  it.each(visible.map(({ id }) => id))('%s: every flag, every value of a few', async (id) => {
    const flags = Object.values(commands[id]!.flags).filter(({ hidden }) => !hidden);
    const words = id.split(':');
    expect(await values([...words, '--'])).toEqual(
      [...flags.map(({ name }) => `--${name}`), '--help'].sort(),
    );
    const letters = flags.flatMap(({ char }) => (char === undefined ? [] : [`-${char}`]));
    expect(await values([...words, '-'])).toEqual(expect.arrayContaining(letters));
    for (const flag of flags) {
      if (flag.type !== 'option' || flag.options === undefined) continue;
      expect(await values([...words, `--${flag.name}`, ''])).toEqual(flag.options);
      expect(await values([...words, `--${flag.name}=`])).toEqual(
        flag.options.map((option) => `--${flag.name}=${option}`),
      );
    }
  });

  it.each(visible.map(({ id }) => id))('%s: it is known what its arguments name', (id) => {
    const unknown = Object.keys(commands[id]!.args).filter((name) => !kindOfArgument(id, name));
    expect(unknown).toEqual([]);
  });
});

it("docker's word for sandboxes has its commands", async () => {
  expect(await values(['container', ''])).toEqual(expect.arrayContaining(['ls', 'exec', 'rm']));
  expect(await values(['container', 'p'])).toEqual(['pause', 'ps']);
  expect(await values(['container', 'ls', '--al'])).toEqual(['--all', '--all-namespaces']);
});

describe('flags', () => {
  it('are not offered twice, unless they may be given twice', async () => {
    expect(await values(['run', '--network', 'none', '--net'])).toEqual([]);
    expect(await values(['run', '--env', 'A=1', '--env'])).toEqual(['--env', '--env-file']);
  });

  it('have values behind a letter, too', async () => {
    expect(await values(['list', '-aoj'])).toEqual(['-aojson', '-aojsonpath=']);
    expect(await values(['list', '-o', 'n'])).toEqual(['name']);
    expect(await values(['-o', 'n'])).toEqual(['name']);
  });

  it('have values by their other names, too, and are not offered twice for those', async () => {
    for (const name of ['network', 'net']) {
      expect(await values(['run', `--${name}`, ''])).toEqual(['none', 'host']);
      expect(await values(['run', `--${name}=h`])).toEqual([`--${name}=host`]);
      expect(await values(['run', `--${name}`, 'none', '--netw'])).toEqual([]);
    }
    expect((await complete(['run', '--cidfile', ''])).directive).toBe(':files');
    expect((await complete(['run', '--cidfile=x'])).directive).toBe(':files');
  });

  it.each([
    ['list', '--filter', 'phase=R', 'phase=Running'],
    ['list', '--filter=status=r', '', '--filter=status=running --filter=status=removing'],
    ['ps', '-f', 'exi', 'exited='],
    ['ps', '-f', 'exited=', ''],
    ['events', '--filter', 'event=pul', 'event=pulled'],
    ['events', '-f', 'type=', 'type=pool type=sandbox type=image'],
    ['image', 'list', '--filter', 'dangling=', 'dangling=true dangling=false'],
    ['list', '--filter', 'nonsense=', ''],
  ])('have values behind a key: %s %s %s', async (...row) => {
    const wanted = row.pop()!;
    expect((await values(row.filter((word) => word !== ''))).join(' ')).toBe(wanted);
  });

  it('name files, directories and variables', async () => {
    expect((await complete(['run', 'box', '--file', ''])).directive).toBe(':files');
    expect((await complete(['run', 'box', '-v', '/'])).directive).toBe(':directories');
    expect(await values(['run', '-e', 'MY_'], { env: { MY_KEY: '1', OTHER: '2' } })).toEqual(['MY_KEY']);
    expect(await complete(['image', 'list', '--filter', 're'])).toEqual({
      values: ['reference='],
      directive: ':nospace',
    });
  });

  it('end where the command of the sandbox begins', async () => {
    expect(await complete(['exec', 'box', 'ls', '--'])).toEqual({ values: [], directive: ':' });
    expect(await complete(['exec', 'box', 'ls', '-o', ''])).toEqual({ values: [], directive: ':' });
    expect(await complete(['run', 'box', '--', ''])).toEqual({ values: [], directive: ':' });
    expect(await values(['pool', 'run', '--imag'])).toEqual(['--image']);
  });
});

describe('names', () => {
  let core: HostCore | undefined;
  afterEach(() => core?.close());

  const options = async (): Promise<CommandLineOptions> => {
    core = hostCore();
    for (const [name, command] of [
      ['box', ['sleep', '60']],
      ['job', ['true']],
    ] as const) {
      await core.sandboxes.create({
        namespace: 'default',
        name,
        spec: { image: 'host', command: [...command] },
      });
      if (name === 'job') await core.sandboxes.wait({ namespace: 'default', name });
    }
    await core.sandboxes.create({
      namespace: 'team',
      name: 'boat',
      spec: { image: 'host', command: ['sleep', '60'] },
    });
    return { core };
  };

  it('of sandboxes that the command can do something with, in the namespace of the line', async () => {
    const world = await options();
    expect(await values(['get', ''], world)).toEqual(['box', 'job']);
    expect(await values(['exec', ''], world)).toEqual(['box']);
    expect(await values(['delete', 'box', ''], world)).toEqual(['job']);
    expect(await values(['start', ''], world)).toEqual(['job']);
    expect(await values(['stop', ''], world)).toEqual(['box']);
    expect(await values(['unpause', ''], world)).toEqual([]);
    await world.core!.sandboxes.pause({ namespace: 'default', name: 'box' });
    expect(await values(['unpause', ''], world)).toEqual(['box']);
    expect(await values(['pause', ''], world)).toEqual([]);
    await world.core!.sandboxes.unpause({ namespace: 'default', name: 'box' });
    expect(await values(['-n', 'team', 'get', 'b'], world)).toEqual(['boat']);
    expect(await values(['get', '--namespace=team', ''], world)).toEqual(['boat']);
    expect(await values(['get', ''], { ...world, env: { FSB_NAMESPACE: 'team' } })).toEqual(['boat']);
    expect(await values(['-n', ''], world)).toEqual(['default', 'team']);
  });

  it('of pools, images, contexts and settings', async () => {
    const world = await options();
    expect(await values(['pool', 'get', ''], world)).toEqual(['default-pool']);
    for (const pool of ['--pool', '--pool-ref'])
      expect(await values(['run', pool, 'd'], world)).toEqual(['default-pool']);
    expect(await values(['list', '-f', 'pool=d'], world)).toEqual(['pool=default-pool']);
    expect(await values(['list', '-f', 'since='], world)).toEqual(['since=box', 'since=job']);
    expect(await values(['run', '--image', 'ho'], world)).toEqual(['host']);
    expect(await values(['image', 'inspect', 'ho'], world)).toEqual(['host']);
    for (const line of ['rmi', 'save', 'tag', 'pull']) expect(await values([line, 'ho'], world)).toEqual([]);
    expect(await values(['config', 'get', 'na'], world)).toEqual(['namespace']);
    expect(await values(['context', 'use', ''], world)).toEqual(['default']);
    expect(await values(['completion', ''], world)).toEqual(['bash', 'zsh', 'fish']);
  });

  it('of leases, contexts that somebody made, and what a setting can be', async () => {
    const world = { ...(await options()), env: { HOME: await mkdtemp(join(tmpdir(), 'fsb-completion-')) } };
    const lease = await world.core!.pools.lease({ pool: 'default-pool', image: 'host' });
    expect(await values(['pool', 'release', ''], world)).toEqual([lease.id]);
    expect(await values(['pool', 'exec', 'l'], world)).toEqual([lease.id]);
    await runCommandLine(['context', 'create', 'work', '--host', 'tls://work'], world);
    expect(await values(['context', 'use', ''], world)).toEqual(['default', 'work']);
    expect(await values(['--context', 'w'], world)).toEqual(['work']);
    const settings = {
      output: ['table', 'wide', 'json', 'yaml', 'name'],
      color: ['auto', 'always', 'never'],
      ...{ pool: ['default-pool'], namespace: ['default', 'team'], context: ['default', 'work'] },
      ...{ endpoint: [], editor: [], nonsense: [] },
    };
    for (const [key, known] of Object.entries(settings))
      expect(await values(['config', 'set', '--project', key, ''], world)).toEqual(known);
    await rm(world.env.HOME, { recursive: true });
  });

  it('come from the core that the line means, which is not started', async () => {
    const { core } = await options();
    const run = async (words: string[]): Promise<string[]> => {
      const { stdout } = await runCommandLine(['__complete', '--', ...words], {
        connect: async () => core!,
      });
      return stdout.split('\n');
    };
    expect(await run(['--host', 'tcp://far:9090', 'get', 'b'])).toEqual([
      expect.stringMatching(/^box\t/),
      ':',
      '',
    ]);
    expect(await run(['--host', 'ssh://far', 'get', 'b'])).toEqual([':', '']);
    expect(await run(['--host', 'embedded:', 'get', 'b'])).toEqual([':', '']);
    expect(await run(['--host', 'nonsense', 'get', 'b'])).toEqual([':', '']);
    expect(await run(['--context', 'unknown', 'get', 'b'])).toEqual([':', '']);
  });

  it('are waited for longer where the core is elsewhere, several round trips away', async () => {
    const { core } = await options();
    const clock = createManualClock();
    const connect = async () => {
      await clock.advance(900);
      return core!;
    };
    expect(await values(['get', 'b'], { connect, clock })).toEqual([]);
    expect(await values(['--host', 'tls://far:9090', 'get', 'b'], { connect, clock })).toEqual(['box']);
  });

  it('are left out when the core does not answer', async () => {
    expect(await complete(['get', ''])).toEqual({ values: [], directive: ':' });
    const directory = await mkdtemp(join(tmpdir(), 'fsb-completion-'));
    const socket = join(directory, 'deaf.sock');
    const deaf = createServer(() => {}).listen(socket);
    const connect = async () => connectCore({ grpc: `unix://${socket}`, http: `unix://${socket}` });
    expect(await complete(['get', ''], { connect })).toEqual({ values: [], directive: ':' });
    deaf.close();
    await rm(directory, { recursive: true });
  });
});

it.each([
  ['fsb-ctl ', ['fsb-ctl', '']],
  ['fsb-ctl  get bo', ['fsb-ctl', 'get', 'bo']],
  [`fsb-ctl run "a b" c\\ d 'e "f`, ['fsb-ctl', 'run', 'a b', 'c d', 'e "f']],
  [`fsb-ctl run '' `, ['fsb-ctl', 'run', '', '']],
])('the line %s has the words %j', (line, words) => {
  expect(splitLine(line)).toEqual(words);
});

it('a shell that nobody has is told with the one that was probably meant', async () => {
  const { code, stderr } = await runCommandLine(['completion', 'bsh']);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: 'Error: there is no completion for "bsh"\nHint: Did you mean bash?\n',
  });
});
