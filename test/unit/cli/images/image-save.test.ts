import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommandLine, startCommandLine } from '../../../helpers/cli/command-line.ts';
import { type HostCore, hostCore } from '../../../helpers/core/host-core/host-core.ts';

let core: HostCore;
let directory: string;
const fsb = (line: string) => runCommandLine(line.split(' '), { core, cwd: directory });

beforeEach(async () => {
  core = hostCore();
  directory = await mkdtemp(join(tmpdir(), 'fsb-save-'));
});

afterEach(async () => {
  await core.close();
  await rm(directory, { recursive: true });
});

describe('image save', () => {
  it.each([
    'save host --format docker-archive',
    'save host --format {{.a}} -o file',
    '--format json save host',
  ])('has no format to choose: %s', async (line) => {
    const { code, stdout, stderr } = await fsb(line);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('unknown flag --format\nHint: Leave it out: the archive is an OCI archive');
  });

  const content = `host host${'\u0001'.repeat(100_000)}`.slice(5);

  it('writes to standard output, which must not be a terminal', async () => {
    expect((await fsb('image save host host')).stdout).toBe(content);
    const line = startCommandLine(['save', 'host'], { core, tty: true });
    expect([await line.code, line.stdout.text]).toEqual([2, '']);
    expect(line.stderr.text).toContain('Name a file with --output');
  });

  it('writes a file for its owner alone, also through a link', async () => {
    await writeFile(join(directory, 'before'), 'x');
    await symlink('before', join(directory, 'link'));
    expect(await fsb('save host -o link')).toEqual({ code: 0, stdout: '', stderr: 'link: Saved\n' });
    expect((await fsb('save host -o link -q')).stderr).toBe('');
    expect(await readFile(join(directory, 'before'), 'utf8')).toBe(content);
    expect((await stat(join(directory, 'before'))).mode & 0o777).toBe(0o600);
    await fsb('save host -o json');
    expect((await readdir(directory)).sort()).toEqual(['before', 'json', 'link']);
  });

  it('shows a bar on a terminal', async () => {
    const file = join(directory, 'a.tar');
    const line = startCommandLine(['save', 'host', '-o', file], { core, tty: true });
    expect(await line.code).toBe(0);
    expect(line.stderr.text).toMatch(/a\.tar: Saving (\[=*>? *\] )?\S+\/3B/);
    expect(line.stderr.text).toMatch(/a\.tar: Saved\S*\n\S*$/);
  });

  it('leaves nothing, and what was there, when it fails', async () => {
    await writeFile(join(directory, 'kept'), 'x');
    const { code, stderr } = await fsb('save host nope -o kept --json');
    expect([code, JSON.parse(stderr).error.code]).toEqual([3, 'image_not_found']);
    expect(await readdir(directory)).toEqual(['kept']);
    expect(await readFile(join(directory, 'kept'), 'utf8')).toBe('x');
  });

  it.each([
    ['.', 'it is a directory'],
    ['/dev/null', 'it is no ordinary file'],
    ['nowhere/a', 'its directory does not exist'],
  ])('refuses %s', async (file, why) => {
    const { code, stderr } = await fsb(`save host -o ${file}`);
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
  });
});
