import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CliRoot, makeCliRoot } from '../helpers/cli-root.ts';
import { makeRoot, repository } from '../helpers/real-core.ts';

/** What `npm install` would put onto somebody's machine. */

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
  'dist/unpack-worker.cjs',
  'guest/build/fsb-init',
  'guest/build/fsb-launch',
  'oclif.manifest.json',
  'package.json',
  ...pages.map((page) => `man/${page}`),
].sort();

let cli: CliRoot;
let directory: string;
let unpacked: string;

beforeAll(async () => {
  directory = await makeRoot();
  unpacked = join(directory, 'package');
  await run('npm', ['pack', '--ignore-scripts', '--offline', '--pack-destination', directory], {
    cwd: repository,
    env: { ...process.env, npm_config_cache: join(directory, 'npm') },
  });
  const [tarball] = (await readdir(directory)).filter((name) => name.endsWith('.tgz'));
  await run('tar', ['-xzf', join(directory, tarball!), '-C', directory]);
  await linkDependencies();
  cli = await makeCliRoot(join(unpacked, 'bin/run.js'));
});

afterAll(async () => {
  const left = await cli.close();
  await rm(directory, { recursive: true });
  expect(left).toEqual([]);
});

/** Those that package.json promises and no other: a package that only developers have must not be needed. */
async function linkDependencies(): Promise<void> {
  const { dependencies } = JSON.parse(await readFile(join(unpacked, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) {
    const link = join(unpacked, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(repository, 'node_modules', name), link);
  }
}

async function filesBelow(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

describe('the package', () => {
  it('holds exactly what is needed', async () => {
    const files = await filesBelow(unpacked);
    expect(files.filter((file) => !file.startsWith('node_modules/')).sort()).toEqual(expected);
  });

  it('says its version and shows its help', async () => {
    const { version } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'));
    expect(await cli.fsb(['--version'])).toEqual({ code: 0, stdout: `fsb-ctl ${version}\n`, stderr: '' });
    expect(await cli.fsb(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('  run ') });
    for (const words of [['run'], ['pool', 'status']]) {
      const help = await cli.fsb([...words, '--help']);
      expect(help).toMatchObject({ code: 0, stderr: '' });
      expect(await cli.fsb(['help', ...words])).toEqual(help);
    }
  });

  it('brings its manual to where man looks', async () => {
    const { man } = JSON.parse(await readFile(join(unpacked, 'package.json'), 'utf8'));
    expect(man).toEqual(pages.map((page) => `man/${page}`).sort());
    // npm's own way to install; the programs are not what is asked here.
    const [prefix, manual] = [join(directory, 'prefix'), join(directory, 'manual')];
    await cp(join(unpacked, 'man'), join(manual, 'man'), { recursive: true });
    await writeFile(
      join(manual, 'package.json'),
      JSON.stringify({ name: 'manual', version: '1.0.0', man, bin: 'x.js' }),
    );
    await writeFile(join(manual, 'x.js'), '');
    // Of a directory npm only makes a link.
    const tarball = join(directory, 'manual.tar');
    await run('tar', ['-C', directory, '--transform=s/^manual/package/', '-cf', tarball, 'manual']);
    await run('npm', ['install', '--global', '--offline', '--prefix', prefix, tarball], {
      env: { ...process.env, npm_config_cache: join(directory, 'npm') },
    });
    const { stdout } = await run('man', ['--where', 'fsb-ctl-run'], {
      env: { ...process.env, MANPATH: join(prefix, 'share/man') },
    });
    expect(stdout).toContain(join(prefix, 'lib/node_modules/manual/man/fsb-ctl-run.1'));
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
});
