import { describe, expect, it } from 'vitest';
import { parsePlace, splitPath } from '../../../../src/cli/copy/place.ts';
import { type Found, findDestination, planCopy } from '../../../../src/cli/copy/plan.ts';
import { humanSize } from '../../../../src/cli/copy/progress.ts';
import type { ToolPlace } from '../../../../src/cli/guest-tool/guest-tool.ts';

describe('the sides of a copy', () => {
  it.each([
    ['-', { kind: 'stream' }],
    ['f', { kind: 'local', path: '/w/f' }],
    ['./a:b', { kind: 'local', path: '/w/a:b' }],
    ['/a:b', { kind: 'local', path: '/a:b' }],
    ['../x/', { kind: 'local', path: '/x/' }],
    ['.', { kind: 'local', path: '/w/.' }],
    ['d/.', { kind: 'local', path: '/w/d/.' }],
    ['d/./', { kind: 'local', path: '/w/d/.' }],
    ['/', { kind: 'local', path: '/' }],
    [':x', { kind: 'local', path: '/w/:x' }],
    ['box:/', { kind: 'remote', name: 'box', path: '/' }],
    ['box:etc/', { kind: 'remote', name: 'box', path: '/etc/' }],
    ['box:/a/../b', { kind: 'remote', name: 'box', path: '/b' }],
    ['box:/../..', { kind: 'remote', name: 'box', path: '/' }],
    ['box:/d/.', { kind: 'remote', name: 'box', path: '/d/.' }],
    ['box:a:b', { kind: 'remote', name: 'box', path: '/a:b' }],
  ])('%s', (word, place) => {
    expect(parsePlace(word, '/w')).toEqual(place);
  });

  it('are refused where the path was forgotten', () => {
    const hint = 'Everything in it is box:/';
    expect(() => parsePlace('box:', '/w')).toThrow(
      expect.objectContaining({ code: 'invalid_argument', hint }),
    );
  });

  it('are refused where there is nothing, which is not the working directory', () => {
    const hint = 'The working directory is .';
    expect(() => parsePlace('', '/w')).toThrow(expect.objectContaining({ code: 'invalid_argument', hint }));
  });

  it('are refused where they name no sandbox that can be', () => {
    expect(() => parsePlace('C:\\x', '/w')).toThrow(/invalid sandbox name "C"/);
  });

  it.each([
    ['/a/b', '/a', 'b'],
    ['/a', '/', 'a'],
    ['/a/', '/', 'a'],
    ['/a/.', '/a', '.'],
    ['/', '/', '.'],
  ])('%s is in %s as %s', (path, directory, base) => {
    expect(splitPath(path)).toEqual({ directory, base });
  });
});

describe('where a copy goes, by docker', () => {
  const file = { base: 'src', isDirectory: false };
  const directory = { base: 'src', isDirectory: true };
  const content = { base: '.', isDirectory: true };
  const missing = (path: string) => ({ path });
  const there = (path: string, isDirectory: boolean) => ({
    path,
    kind: isDirectory ? ('directory' as const) : ('file' as const),
  });

  it.each([
    [file, missing('/a/dst'), { directory: '/a', name: 'dst' }],
    [file, there('/a/dst', false), { directory: '/a', name: 'dst' }],
    [file, there('/a/dst', true), { directory: '/a/dst', name: 'src' }],
    [file, there('/a/dst/', true), { directory: '/a/dst/', name: 'src' }],
    [directory, missing('/a/dst'), { directory: '/a', name: 'dst' }],
    [directory, missing('/a/dst/'), { directory: '/a', name: 'dst' }],
    [directory, there('/a/dst', true), { directory: '/a/dst', name: 'src' }],
    [content, missing('/a/dst'), { directory: '/a', name: 'dst' }],
    [content, there('/a/dst', true), { directory: '/a/dst', name: '.' }],
  ])('%j to %j', (source, destination, plan) => {
    expect(planCopy(source, destination)).toEqual(plan);
  });

  it.each([
    [file, missing('/a/dst/'), 'not_found'],
    [directory, there('/a/dst', false), 'conflict'],
    [content, there('/a/dst', false), 'conflict'],
    [file, { path: '/dev/null', kind: 'device' as const }, 'conflict'],
    [directory, { path: '/a/pipe', kind: 'fifo' as const }, 'conflict'],
    [file, { path: '/a/socket', kind: 'socket' as const }, 'conflict'],
  ])('not %j to %j', (source, destination, code) => {
    expect(() => planCopy(source, destination)).toThrow(expect.objectContaining({ code }));
  });

  it('says of a sandbox whose it is, and how to make it', () => {
    const box = { ref: { namespace: 'default', name: 'c1' } } as ToolPlace;
    expect(() => planCopy(file, missing('/a/dst/'), box)).toThrow(
      expect.objectContaining({
        message: 'cannot copy to c1:/a/dst/: there is no such file or directory',
        hint: 'Make it first with: fsb-ctl exec c1 mkdir -p /a/dst/',
      }),
    );
    expect(() => planCopy(directory, there('/a/dst', false), box)).toThrow('to c1:/a/dst: that is a file');
  });

  it('follows links of the destination, to what need not be there', async () => {
    const files: Record<string, Found> = {
      '/l': { kind: 'symlink', target: 'd/m' },
      '/d/m': { kind: 'symlink', target: '../new' },
      '/loop': { kind: 'symlink', target: 'loop' },
      '/x': { kind: 'directory' },
    };
    const find = (path: string) => findDestination(path, async (at) => files[at]);
    expect(await find('/l')).toEqual({ path: '/new' });
    expect(await find('/x')).toEqual({ path: '/x', kind: 'directory' });
    await expect(find('/loop')).rejects.toThrow(/too many symbolic links/);
  });

  it('tells sizes by thousands', () => {
    expect([0, 999, 1500, 1_536_000, 3e8, 2e12].map(humanSize)).toEqual([
      '0B',
      '999B',
      '1.5kB',
      '1.54MB',
      '300MB',
      '2TB',
    ]);
  });
});
