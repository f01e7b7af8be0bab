import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  cp,
  lstat,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  watch,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const repository = resolve(import.meta.dirname, '../..');
const binary = join(repository, 'bin/run.js');
const client = ['version', '--client'];
const version = /^fsb-ctl: \d+\.\d+\.\d+ \(node /;

let directory: string;
let caches: string;
let env: NodeJS.ProcessEnv;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fsb-entry-'));
  caches = join(directory, 'cache/fsb-ctl');
  // Everything that a command might write lies in the test's own directory, and no core is ever started.
  env = {
    PATH: process.env.PATH,
    HOME: directory,
    XDG_CACHE_HOME: join(directory, 'cache'),
    FSB_ROOT: join(directory, 'root'),
    FSB_NO_AUTOSTART: '1',
  };
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

function start(args: string[], program = binary): Promise<Ended> {
  return new Promise((done) => {
    execFile(program, args, { env, cwd: directory }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** Runs a command that must do well whatever the cache looks like. */
async function startClient(): Promise<void> {
  const { code, stdout, stderr } = await start(client);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(version);
}

const cached = async (): Promise<string[]> =>
  (await readdir(caches).catch(() => [])).map((name) => join(caches, name));

async function cacheOfClient(): Promise<string> {
  await startClient();
  const [file] = await cached();
  if (file === undefined) throw new Error('the first run left no cache');
  return file;
}

/** Resolves with the path of the file of that name when it is made there. */
async function appears(directory: string, name: RegExp): Promise<string> {
  for await (const { filename } of watch(directory))
    if (filename !== null && name.test(filename)) return join(directory, filename);
  throw new Error('the watch ended');
}

function flipped(content: Buffer, at: number): Buffer {
  const copy = Buffer.from(content);
  copy[at] = copy[at]! ^ 0x5a;
  return copy;
}

it('fails when there is nothing left to wait for and the command has not ended', async () => {
  const hook = join(directory, 'hook.cjs');
  // A write whose end nobody hears of: the command waits for it, and Node for nothing.
  await writeFile(hook, 'process.stdout.write = () => true;');
  const { code, stderr } = await start(['--require', hook, binary, ...client], process.execPath);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^Error: the command ended in the middle: .*\nHint: .*\n$/),
  });
});

describe('the code cache', () => {
  it('goes when nobody has used it for a month', async () => {
    const file = await cacheOfClient();
    const [old, used] = [join(caches, 'old-list'), join(caches, 'used-list')];
    await Promise.all([old, used].map((path) => writeFile(path, 'of another installation')));
    const days = (count: number): Date => new Date(Date.now() - count * 86_400_000);
    await utimes(old, days(40), days(40));
    await utimes(used, days(20), days(40));
    await rm(file);
    await startClient();
    expect((await cached()).sort()).toEqual([file, used].sort());
  });

  it('is written at the first run, for its owner only, and used by the next', async () => {
    const file = await cacheOfClient();
    const written = await stat(file);
    expect(written.mode & 0o777).toBe(0o600);
    expect((await stat(caches)).mode & 0o777).toBe(0o700);
    await startClient();
    expect((await stat(file)).mtimeMs).toBe(written.mtimeMs);
    expect(await cached()).toEqual([file]);
  });

  it('has one file for each command, and one for all that is no command', async () => {
    for (const args of [['list'], ['run'], ['lisst'], ['--help'], ['no-such-thing']]) await start(args);
    const words = (await cached()).map((file) => file.split('-').at(-1)).sort();
    expect(words).toEqual(['list', 'other', 'run']);
  });

  it('has one more for a command that uses what few do', async () => {
    const one = ['config', 'list', '-o'];
    for (const args of [
      [...one, 'json'],
      [...one, 'yaml'],
      [...one, 'yaml'],
    ])
      expect(await start(args)).toMatchObject({ code: 0, stderr: '' });
    const words = (await cached()).map((file) => file.split('-').at(-1)).sort();
    expect(words).toEqual(['config', 'config.rare']);
  });

  it('of a failed command is replaced by that of the first that succeeds', async () => {
    await start(['version', '--nonsense']);
    const [file] = await cached();
    const failed = await readFile(file!);
    await start(['version', '--nonsense']);
    expect((await readFile(file!)).equals(failed)).toBe(true);
    await startClient();
    expect((await readFile(file!)).equals(failed)).toBe(false);
  });

  it('of a command that is still busy is replaced by that of its first whole run', async () => {
    await start(['list']);
    const child = spawn(binary, ['run', 'box', '--file', '-'], { env, stdio: ['pipe', 'ignore', 'ignore'] });
    const ended = once(child, 'close');
    const file = await appears(caches, /-run$/);
    child.stdin.end();
    await ended;
    expect((await readFile(file)).subarray(32, 40).toString('latin1')).toBe('partial ');
  });

  const damages: [string, (content: Buffer) => Buffer][] = [
    ['empty', () => Buffer.alloc(0)],
    ['cut off', (content) => content.subarray(0, content.length / 2)],
    ['of another build', (content) => Buffer.concat([Buffer.from('0'.repeat(32)), content.subarray(32)])],
    ['all zeros', (content) => Buffer.alloc(content.length)],
    ['wrong in one byte', (content) => flipped(content, Math.floor(content.length / 2))],
    ['wrong in its last byte', (content) => flipped(content, content.length - 1)],
  ];
  it.each(damages)('that is %s is ignored and made anew', async (_, damage) => {
    const file = await cacheOfClient();
    const broken = damage(await readFile(file));
    await writeFile(file, broken);
    await startClient();
    expect((await readFile(file)).equals(broken)).toBe(false);
  });

  it('that others could have written is not used', async () => {
    const file = await cacheOfClient();
    await chmod(file, 0o666);
    await startClient();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('in a directory that others can write to is not used', async () => {
    const file = await cacheOfClient();
    await chmod(caches, 0o777);
    await writeFile(file, 'left as it is');
    await startClient();
    expect(await readFile(file, 'utf8')).toBe('left as it is');
  });

  it('that is a symbolic link is not followed', async () => {
    const file = await cacheOfClient();
    await cp(file, join(directory, 'elsewhere'));
    await rm(file);
    await symlink(join(directory, 'elsewhere'), file);
    await startClient();
    expect((await lstat(file)).isFile()).toBe(true);
  });

  it.each([
    ['below a file', '/dev/null/cache'],
    ['where nothing can be made', '/proc/fsb-cache'],
  ])('may have its place %s', async (_, place) => {
    env.XDG_CACHE_HOME = place;
    await startClient();
  });

  it('is in the home when XDG_CACHE_HOME is not absolute', async () => {
    env.XDG_CACHE_HOME = 'somewhere';
    await startClient();
    expect(await readdir(directory)).toEqual(['.cache']);
  });

  it('needs no HOME', async () => {
    delete env.HOME;
    await startClient();
    expect(await cached()).toHaveLength(1);
  });
});

describe('the entry', () => {
  it('finds its bundle through symbolic links', async () => {
    await symlink(binary, join(directory, 'one'));
    await symlink('one', join(directory, 'two'));
    expect((await start(client, join(directory, 'two'))).stdout).toMatch(version);
    expect((await start(['--version'], join(directory, 'two'))).stdout).toMatch(/^fsb-ctl \d/);
  });

  /** Another installation. @param parts what it has of this one */
  async function copyOf(...parts: string[]): Promise<string> {
    const copy = join(directory, 'copy');
    for (const part of parts) await cp(join(repository, part), join(copy, part), { recursive: true });
    return copy;
  }

  it('says so when it was replaced behind a command that has begun', async () => {
    const copy = await copyOf('bin', 'package.json', 'oclif.manifest.json', 'dist');
    const [rare] = (await readdir(join(copy, 'dist'))).filter((name) => name.includes('.rare.'));
    await rm(join(copy, 'dist', rare!));
    const program = join(copy, 'bin/run.js');
    const what = `${copy} was replaced or removed while this command ran`;
    const hint = 'Look at what it has done, and run it again.';
    expect(await start(['config', 'list', '-o', 'yaml'], program)).toEqual({
      ...{ code: 1, stdout: '', stderr: `Error: ${what}\nHint: ${hint}\n` },
    });
    const asJson = await start(['run', 'box', '--file', '/dev/null', '-o', 'json'], program);
    expect(JSON.parse(asJson.stderr)).toEqual({ error: { code: 'internal', message: what, hint } });
    expect((await start(client, program)).code).toBe(0);
  });

  it('says how to build when there is no bundle', async () => {
    const copy = await copyOf('bin', 'package.json');
    const program = join(copy, 'bin/run.js');
    const { code, stdout, stderr } = await start(['list'], program);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain('is not built');
    expect(stderr).toContain(`Hint: Run: cd ${copy} && npm run build`);
    expect((await start(['--version'], program)).code).toBe(0);
  });

  it('answers --version with the version of the package', async () => {
    const { version: own } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'));
    expect(await start(['--version'])).toEqual({ code: 0, stdout: `fsb-ctl ${own}\n`, stderr: '' });
    expect(await cached()).toEqual([]);
  });

  it.each([[['--help']], [['help']], [[]]])('shows every topic and command for %j', async (args) => {
    const { code, stdout } = await start(args);
    expect(code).toBe(0);
    for (const word of ['run', 'list', 'exec', 'logs', 'delete', 'image', 'pool', 'daemon', 'doctor'])
      expect(stdout).toMatch(new RegExp(`^  ${word} `, 'm'));
  });

  it.each([[['help', 'run']], [['run', '--help']], [['run', '-h']]])(
    'shows the help of run for %j',
    async (args) => {
      const { code, stdout } = await start(args);
      expect(code).toBe(0);
      expect(stdout).toContain('fsb-ctl run NAME [FLAGS]');
      expect(stdout).toContain('EXAMPLES');
    },
  );

  it.each([[['pool']], [['pool', '--help']], [['pool', '-h']], [['help', 'pool']]])(
    'shows what there is below pool for %j',
    async (args) => {
      const { code, stdout } = await start(args);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^ {2}pool status /m);
    },
  );

  it.each([
    [['lisst'], 'unknown command "lisst"', 'fsb-ctl list'],
    [['pool', 'statsu'], 'unknown command "pool statsu"', 'fsb-ctl pool status'],
    [['list', '--selectr', 'a=b'], 'unknown flag --selectr', '--selector'],
  ])('suggests what %j may have meant, and exits with 2', async (args, error, suggestion) => {
    const { code, stdout, stderr } = await start(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(`Error: ${error}`);
    expect(stderr).toContain(`Did you mean ${suggestion}?`);
  });

  it('opens no debugger for SIGUSR1, which comes before the bundle is read', async () => {
    const kill = join(directory, 'kill.cjs');
    const early = `const fs = require('node:fs');
      const read = fs.readFileSync;
      fs.readFileSync = (path, ...more) => {
        if (String(path).endsWith('fsb-ctl.cjs')) process.kill(process.pid, 'SIGUSR1');
        return read(path, ...more);
      };`;
    await writeFile(kill, early);
    env.NODE_OPTIONS = `--require ${kill}`;
    const child = spawn(binary, client, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const written = Promise.all([child.stdout, child.stderr].map((stream) => text(stream)));
    expect([await once(child, 'close'), await written]).toEqual([
      [null, 'SIGUSR1'],
      ['', ''],
    ]);
  });

  it('needs no other program', async () => {
    env.PATH = '/nonexistent';
    expect((await start([binary, ...client], process.execPath)).code).toBe(0);
  });
});
