import { execFile } from 'node:child_process';
import { chmod, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BareMachine, openBareMachine } from '../helpers/cli/bare-machine.ts';
import { type CliRoot, makeCliRoot } from '../helpers/cli/cli-root.ts';
import { type NpmRegistry, startNpmRegistry } from '../helpers/cli/npm-registry.ts';
import { makeRoot, repository } from '../helpers/core/real-core.ts';
import { makeGuest } from '../helpers/guest/guest-programs.ts';

/** What `npm install -g` puts onto a machine that has no compiler and no checkout, and that it works there. */

const run = promisify(execFile);
const pages = await readdir(join(repository, 'man'));
const expected = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'bin/code-cache.js',
  'bin/package.json',
  'bin/run.js',
  'dist/fsb-ctl.cjs',
  'dist/fsb-ctl.cjs.LEGAL.txt',
  'dist/fsb-ctl.rare.ID.cjs',
  'dist/tracing.cjs',
  'dist/unpack-worker.cjs',
  ...['configuration', 'events', 'output', 'security'].map((page) => `docs/${page}.md`),
  'guest/build/linux-arm64/fsb-init',
  'guest/build/linux-arm64/fsb-launch',
  'guest/build/linux-x64/fsb-init',
  'guest/build/linux-x64/fsb-launch',
  'oclif.manifest.json',
  'package.json',
  ...pages.map((page) => `man/${page}`),
].sort();

let cli: CliRoot;
let directory: string;
let prefix: string;
let installed: string;
let machine: BareMachine;
let registry: NpmRegistry;

beforeAll(async () => {
  makeGuest('dist');
  directory = await makeRoot();
  prefix = join(directory, 'prefix');
  installed = join(prefix, 'lib/node_modules/fsb-ctl');
  [machine, registry] = await Promise.all([openBareMachine(), startNpmRegistry()]);
  await npmInstall(await npmPack());
  cli = await makeCliRoot(await wayIn());
}, 120_000);

afterAll(async () => {
  const left = await cli.close();
  await machine.close();
  await registry.stop();
  await rm(directory, { recursive: true });
  expect(left).toEqual([]);
});

/** Nothing of the user who runs the tests: no settings, no cache, no other registry. */
async function npmEnvironment(): Promise<NodeJS.ProcessEnv> {
  const settings = join(directory, 'npmrc');
  await writeFile(settings, '');
  const { PATH } = process.env;
  const npm = { npm_config_userconfig: settings, npm_config_cache: join(directory, 'npm') };
  return { PATH, HOME: directory, ...npm, npm_config_update_notifier: 'false' };
}

async function npmPack(): Promise<string> {
  const words = ['pack', '--ignore-scripts', '--offline', '--pack-destination', directory];
  await run('npm', words, { cwd: repository, env: await npmEnvironment() });
  return join(directory, (await readdir(directory)).find((name) => name.endsWith('.tgz'))!);
}

async function npmInstall(tarball: string): Promise<void> {
  const words = ['install', '-g', '--prefix', prefix, '--registry', registry.url, '--no-audit', tarball];
  const { code, stderr } = await machine.run('npm', words, await npmEnvironment());
  if (code !== 0) throw new Error(`npm install: ${stderr}`);
}

/** The installed command, as something that starts on the machine of the tests. */
async function wayIn(): Promise<string> {
  const script = join(directory, 'fsb-ctl');
  await writeFile(script, `#!/bin/sh\nexec ${machine.enter.join(' ')} ${join(prefix, 'bin/fsb-ctl')} "$@"\n`);
  await chmod(script, 0o755);
  return script;
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

describe('the package', () => {
  it('holds exactly what is needed', async () => {
    const files = await filesBelow(installed);
    const own = files.filter((file) => !file.startsWith('node_modules/'));
    expect(own.map((file) => file.replace(/\.rare\.[0-9a-f]{32}\./, '.rare.ID.')).sort()).toEqual(expected);
    for (const file of expected.filter((each) => each.startsWith('guest/')))
      expect((await stat(join(installed, file))).mode & 0o111, file).toBe(0o111);
  });

  it('brings no other package than those that cannot be in the bundle', async () => {
    const packages = await readdir(join(installed, 'node_modules'));
    expect(packages).toContain('lmdb');
    expect(packages.length).toBeLessThan(15);
  });
});

describe('on a machine without a compiler', () => {
  it.each(['gcc', 'cc', 'clang', 'make', 'ld'])('there is no %s', async (program) => {
    expect((await machine.run('sh', ['-c', `command -v ${program}`])).stdout).toBe('');
    expect((await machine.run('ls', [repository])).stdout).toBe('');
  });

  it('says its version and shows its help', async () => {
    const { version } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'));
    for (const flag of ['--version', '-v'])
      expect(await cli.fsb([flag])).toEqual({ code: 0, stdout: `fsb-ctl ${version}\n`, stderr: '' });
    expect(await cli.fsb(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('  run ') });
    expect(await cli.fsb(['run', '--help'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('finds the machine ready', async () => {
    expect(await cli.fsb(['doctor'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('runs a command in a sandbox', async () => {
    const run = ['run', 'job', '--rm', '--image', 'host', '--', 'sh', '-c', 'echo from the package; exit 7'];
    expect(await cli.fsb(run)).toEqual({ code: 7, stdout: 'from the package\n', stderr: '' });
    const log = await readFile(join(cli.root, 'state/core.log'), 'utf8');
    expect(log).toContain('ready');
  });

  it('makes a sandbox, runs a command in it, and deletes it', async () => {
    const words = ['run', 'box', '-q', '--image', 'host', '--', 'sleep', 'infinity'];
    expect(await cli.fsb(words)).toMatchObject({ code: 0, stderr: '' });
    expect(await cli.fsb(['exec', 'box', 'echo', 'hello'])).toEqual({
      code: 0,
      stdout: 'hello\n',
      stderr: '',
    });
    expect(await cli.fsb(['delete', '--grace', '0s', 'box'])).toMatchObject({ code: 0, stdout: 'box\n' });
  });

  it('loads nothing for the commands of every day that they do not need', async () => {
    const spy = join(directory, 'spy.cjs');
    const seen = join(directory, 'seen');
    const code = `
      const fs = require('node:fs');
      const Module = require('node:module');
      const [load, read] = [Module._load, fs.readFileSync];
      const see = (what) => fs.appendFileSync('${seen}', process.argv[2] + ' ' + what + '\\n');
      Module._load = (name, ...rest) => {
        if (/^(node:)?(crypto|http2|tls|zlib)$/.test(name) && process.argv[2] !== 'serve') see(name);
        return load(name, ...rest);
      };
      fs.readFileSync = (path, ...rest) => {
        if (/\\.cjs$/.test(path) && process.argv[2] !== 'serve') see(path.split('/').at(-1));
        return read(path, ...rest);
      };`;
    await writeFile(spy, code);
    const env = { NODE_OPTIONS: `--require ${spy}` };
    const lines = [
      'run day -q --image host -- sh -c',
      'list',
      'get day',
      'exec day true',
      'logs day',
      'delete day --grace 0s',
    ];
    for (const line of lines) {
      const words = line.endsWith('sh -c') ? [...line.split(' '), 'echo up; sleep 1000'] : line.split(' ');
      expect(await cli.fsb(words, { env })).toMatchObject({ code: 0, stderr: '' });
    }
    // For the checksum of the code cache.
    const each = (word: string): string[] => [`${word} fsb-ctl.cjs`, `${word} node:zlib`];
    const found = (await readFile(seen, 'utf8')).trim().split('\n');
    expect(found.sort()).toEqual(lines.flatMap((line) => each(line.split(' ')[0]!)).sort());
  });

  it.each(['fsb-ctl', 'fsb', 'fsb-ctl-run', 'fsb-ctl-image', 'fsb-ctl-pull'])(
    'man finds %s',
    async (page) => {
      const env = { ...process.env, MANPATH: join(prefix, 'share/man'), MANWIDTH: '80', LC_ALL: 'C' };
      const { code, stdout } = await machine.run('man', [page], env);
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^NAME\n +fsb-ctl/m) });
    },
  );
});
