import { execFile } from 'node:child_process';
import { lstat, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach } from 'vitest';
import { type UnpackOptions, unpackLayer } from '../../src/core/image/unpack/unpack-layer.ts';
import { buildGuest, launchBinary } from './guest-programs.ts';
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

  async setUp(): Promise<void> {
    this.directory = await mkdtemp(join(tmpdir(), 'fsb-unpack-'));
    await mkdir(this.root);
    await mkdir(this.outside);
    await writeFile(join(this.outside, 'secret'), 'untouched', { mode: 0o600 });
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
    return unpackLayer(Readable.from([tar]), this.root, { launchBinary, ...options });
  }
}

export function useUnpackFixture(): UnpackFixture {
  const fixture = new UnpackFixture();
  beforeAll(buildGuest);
  beforeEach(() => fixture.setUp());
  afterEach(() => fixture.tearDown());
  return fixture;
}

export async function isWhiteout(path: string): Promise<boolean> {
  const stats = await lstat(path);
  return stats.isCharacterDevice() && stats.rdev === 0;
}

/** Node cannot read extended attributes; GNU tar writes them out. */
export async function isOpaque(path: string): Promise<boolean> {
  const options = ['--create', '--xattrs', '--xattrs-include=*', '--no-recursion', '--file=-'];
  const { stdout } = await promisify(execFile)('tar', [...options, '-C', dirname(path), basename(path)]);
  return stdout.includes('SCHILY.xattr.trusted.overlay.opaque=y');
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
