import { execFileSync } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeToolBench, type ToolBench } from '../../helpers/pool/tool-bench.ts';

let bench: ToolBench;
beforeAll(async () => {
  bench = await makeToolBench();
});
afterAll(() => bench.close());

const use = (operation: string, file_path: string, more: object = {}) =>
  bench.use('file_operation', { operation, file_path, ...more });
const at = (path: string): string => join(bench.directory, path);

describe('write and create', () => {
  it('make the directories, and take a relative path from the working directory', async () => {
    expect(await use('write', 'new/dir/a.txt', { content: 'grüße\n' })).toMatchObject({
      status: 'success',
      output: 'wrote new/dir/a.txt',
    });
    expect(await readFile(at('new/dir/a.txt'), 'utf8')).toBe('grüße\n');
  });

  it('take any bytes as base64', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    await use('write', 'bytes', { content: bytes.toString('base64'), encoding: 'base64' });
    expect(await readFile(at('bytes'))).toEqual(bytes);
    expect(await use('read', 'bytes', { encoding: 'base64' })).toMatchObject({
      output: bytes.toString('base64'),
      metadata: { bytes: 256 },
    });
  });

  it('replace what is there', async () => {
    await writeFile(at('old'), 'a longer text');
    await use('write', 'old', { content: 'short' });
    expect(await readFile(at('old'), 'utf8')).toBe('short');
    await use('create', 'old');
    expect(await readFile(at('old'), 'utf8')).toBe('');
  });

  it.each([
    ['write', {}, 'content is missing'],
    ['write', { content: 'not base64!', encoding: 'base64' }, 'not valid base64'],
    ['write', { content: 'x'.repeat(10 * 1024 * 1024 + 1) }, 'at most 10MiB'],
  ])('refuse what cannot be written: %s', async (operation, more, problem) => {
    const result = await use(operation, 'no', more);
    expect(result.status).toBe('error');
    expect(result.error).toContain(problem);
  });

  it('tell what the sandbox says to a bad path', async () => {
    await writeFile(at('file'), '');
    const result = await use('write', 'file/below', { content: '' });
    expect(result.status).toBe('error');
    expect(result.error).toMatch(/file/);
  });
});

describe('read', () => {
  it('gives no part of a file for the whole', async () => {
    await writeFile(at('large'), Buffer.alloc(10 * 1024 * 1024 + 1, 'x'));
    expect(await use('read', 'large')).toMatchObject({ status: 'error', output: '' });
    await writeFile(at('fits'), Buffer.alloc(10 * 1024 * 1024, 'x'));
    expect(await use('read', 'fits')).toMatchObject({ status: 'success', metadata: { bytes: 10_485_760 } });
  });

  it('says so when a file is not text', async () => {
    await writeFile(at('binary'), Buffer.from([0xff, 0xfe]));
    expect((await use('read', 'binary')).error).toContain('base64');
  });

  it.each(['nothing', '.'])('fails on %s', async (path) => {
    expect((await use('read', path)).status).toBe('error');
  });
});

describe('names that a shell could misread', () => {
  it.each(['-rf', 'a b', '$(touch hacked)', "it's", '"', 'x;touch hacked', 'new\nline', '*'])(
    'are taken as they are: %j',
    async (name) => {
      expect((await use('write', name, { content: name })).status).toBe('success');
      expect(await readFile(at(name), 'utf8')).toBe(name);
      expect(await use('read', name)).toMatchObject({ output: name });
      expect(await use('exists', name)).toMatchObject({ metadata: { exists: true } });
      expect((await use('delete', name)).status).toBe('success');
      expect(await use('exists', name)).toMatchObject({
        status: 'success',
        output: 'does not exist',
        metadata: { exists: false },
      });
      expect(await use('exists', 'hacked')).toMatchObject({ metadata: { exists: false } });
    },
  );
});

describe('delete and list', () => {
  it('takes a directory with all that is in it', async () => {
    await mkdir(at('tree/below'), { recursive: true });
    await writeFile(at('tree/below/leaf'), '');
    expect(await use('delete', 'tree')).toMatchObject({ status: 'success', output: 'deleted tree' });
    expect(await use('exists', 'tree')).toMatchObject({ output: 'does not exist' });
  });

  it('takes a link that leads nowhere', async () => {
    await symlink('/nowhere/at/all', at('link'));
    expect((await use('delete', 'link')).status).toBe('success');
  });

  it('says when there is nothing', async () => {
    expect(await use('delete', 'nobody')).toMatchObject({
      status: 'error',
      error: 'there is nothing at nobody',
    });
    expect(await use('list', 'nobody')).toMatchObject({ status: 'error', metadata: { exists: false } });
  });

  it('shows a directory as ls does', async () => {
    await mkdir(at('shown'));
    await writeFile(at('shown/leaf'), 'abc');
    expect((await use('list', 'shown')).output).toBe(
      execFileSync('ls', ['-la', '--', 'shown'], { cwd: bench.directory, encoding: 'utf8' }),
    );
  });
});
