import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { corePaths } from '../../../src/core/model/paths.ts';
import { assertOwnDirectory } from '../../../src/core/root/private-directory.ts';

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
