import { lstat, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RecordsFile } from '../../../src/core/image/content/records-file.ts';
import { Unlisted } from '../../../src/core/image/content/unlisted.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp('/tmp/fsb-doubtful-');
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Where reading fails and says nothing of what is there. The first byte of its own memory is one that nobody can read: EIO. */
const unreadable = [
  ['EIO', (path: string) => symlink('/proc/self/mem', path)],
  ['ELOOP', (path: string) => symlink(path, path)],
] as const;

describe('the list of images', () => {
  it.each(unreadable)(
    'that cannot be read (%s) stays where it is, and is read when it can be',
    async (code, make) => {
      const path = join(directory, 'images.json');
      await writeFile(`${path}.good`, '{"version":2,"images":[]}');
      await writeFile(`${path}.previous`, '{"version":2,"images":[]}');
      await make(path);
      const file = new RecordsFile(path, pino({ level: 'silent' }));
      const asked: string[] = [];
      const reading = file.read(async () => void asked.push('setting aside'));
      const error = await reading.catch((thrown: unknown) => thrown);
      expect(String((error as { cause?: unknown }).cause ?? error)).toContain(code);
      expect(String(error)).toContain(code === 'EIO' ? `cannot read the list of images ${path}` : code);
      expect((await lstat(path)).isSymbolicLink()).toBe(true);
      expect([asked, await readdir(directory)]).toEqual([
        [],
        ['images.json', 'images.json.good', 'images.json.previous'],
      ]);
      await rename(`${path}.good`, path);
      expect(await file.read(async () => {})).toMatchObject({ isWhole: true });
    },
  );
});

describe('the mark that what no image has must stay', () => {
  it('is not there', async () => {
    expect((await Unlisted.open(join(directory, 'keep-unlisted'))).isKept).toBe(false);
  });

  it('may be there where nobody can look: then it stays', async () => {
    const path = join(directory, 'keep-unlisted');
    await symlink(path, path);
    expect((await Unlisted.open(path)).isKept).toBe(true);
  });
});
