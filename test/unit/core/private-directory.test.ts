import { chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeDirectories } from '../../../src/core/model/make-directories.ts';
import { corePaths } from '../../../src/core/model/paths.ts';
import { assertOwnDirectory, makePrivateDirectory } from '../../../src/core/root/private-directory.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fsb-own-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it.runIf(process.getuid!() === 0)('a directory that somebody else made in our place is refused', () => {
  chownSync(folder, 1234, 1234);
  expect(() => assertOwnDirectory(folder, 1000)).toThrow('belongs to user 1234');
  expect(() => assertOwnDirectory(folder, 1234)).not.toThrow();
  expect(() => assertOwnDirectory(join(folder, 'none'), 1000)).not.toThrow();
});

it('nothing but /tmp is above the sockets of who has no runtime directory', () => {
  expect(corePaths({ HOME: '/home/me' }, 1000).run).toBe('/tmp/fsb-1000');
});

it('what is missing above a directory is made with it, and what is there stays', () => {
  const path = join(folder, 'a/b/c');
  makeDirectories(path, 0o750);
  makeDirectories(path, 0o700);
  expect([path, join(folder, 'a')].map((made) => statSync(made).mode & 0o777)).toEqual([0o750, 0o750]);
  writeFileSync(join(folder, 'file'), '');
  expect(() => makeDirectories(join(folder, 'file'), 0o700)).toThrow('EEXIST');
  expect(() => makeDirectories(join(folder, 'file/x/y'), 0o700)).toThrow('ENOTDIR');
});

it('where nothing can be made that is said at once', () => {
  expect(() => makeDirectories('/proc/fsb-none/a', 0o700)).toThrow('ENOENT');
  expect(() => makePrivateDirectory('/proc/fsb-none/a')).toThrow(
    'cannot use the directory /proc/fsb-none/a: nothing can be made there',
  );
});
