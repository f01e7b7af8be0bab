import { execFile } from 'node:child_process';
import { lstat, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { type UnpackOptions, unpackLayer } from '../../../src/core/image/unpack/unpack-layer.ts';
import { stateOf } from '../core/canary.ts';
import { buildGuest, launch } from '../guest/guest-programs.ts';
import { type TestEntry, tarOf } from './image-files.ts';

/** A directory to unpack a layer into, and one beside it that nothing may reach. */
export class UnpackFixture {
  directory = '';

  get root(): string {
    return join(this.directory, 'layer');
  }

  /** Has one file in it: `secret`, saying `untouched`. */
  get outside(): string {
    return join(this.directory, 'outside');
  }

  #before: unknown;

  async setUp(): Promise<void> {
    this.directory = await mkdtemp(join(tmpdir(), 'fsb-unpack-'));
    await mkdir(this.outside);
    await writeFile(join(this.outside, 'secret'), 'untouched', { mode: 0o600 });
    await symlink('secret', join(this.outside, 'link'));
    await mkdir(join(this.outside, 'empty'));
    this.#before = await stateOf(this.outside);
    await mkdir(this.root);
  }

  /** Whatever the layer was, nothing has touched what is beside it. */
  async assertUntouched(): Promise<void> {
    expect(await readdir(this.directory)).toEqual(expect.arrayContaining(['layer', 'outside']));
    expect(await stateOf(this.outside)).toEqual(this.#before);
    expect(await isOpaque(this.outside)).toBe(false);
    const { mode, uid } = await lstat(this.directory);
    expect([mode & 0o7777, uid]).toEqual([0o700, process.getuid!()]);
  }

  async tearDown(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  async clear(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
    await mkdir(this.root);
  }

  async unpack(entries: TestEntry[], options: Partial<UnpackOptions> = {}): Promise<number> {
    return this.unpackBytes(await tarOf(entries), options);
  }

  unpackBytes(tar: Buffer, options: Partial<UnpackOptions> = {}): Promise<number> {
    return unpackLayer(Readable.from([tar]), this.root, { launch, ...options });
  }
}

export function useUnpackFixture(): UnpackFixture {
  const fixture = new UnpackFixture();
  beforeAll(buildGuest);
  beforeEach(() => fixture.setUp());
  afterEach(async () => {
    await fixture.assertUntouched();
    await fixture.tearDown();
  });
  return fixture;
}

export async function isWhiteout(path: string): Promise<boolean> {
  const stats = await lstat(path);
  return stats.isCharacterDevice() && stats.rdev === 0;
}

export async function isOpaque(path: string): Promise<boolean> {
  return (await attributesOf(path))['trusted.overlay.opaque'] === '79';
}

/** Extended attributes of a file, or of a symbolic link itself, in hexadecimal. */
export async function attributesOf(path: string): Promise<Record<string, string>> {
  const options = [
    '--no-dereference',
    '--dump',
    '--encoding=hex',
    '--match=-',
    '--absolute-names',
    '--',
    path,
  ];
  const { stdout } = await promisify(execFile)('getfattr', options);
  const lines = stdout.split('\n').filter((line) => line.includes('='));
  return Object.fromEntries(lines.map((line) => line.split(/=(?:0x)?/, 2)));
}

export const directoryEntry = (name: string, more: Partial<TestEntry> = {}): TestEntry => ({
  name,
  type: 'directory',
  ...more,
});

export const symlinkEntry = (name: string, linkname: string): TestEntry => ({
  name,
  type: 'symlink',
  linkname,
});

export const linkEntry = (name: string, linkname: string): TestEntry => ({ name, type: 'link', linkname });
