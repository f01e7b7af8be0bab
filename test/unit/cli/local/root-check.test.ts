import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Check } from '../../../../src/cli/local/doctor/check.ts';
import { openFilesCheck } from '../../../../src/cli/local/doctor/open-files-check.ts';
import { rootCheck } from '../../../../src/cli/local/doctor/root-check.ts';
import { corePaths } from '../../../../src/core/model/paths.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fsb-root-'));
});
afterEach(() => rm(home, { recursive: true }));

async function look(root: string): Promise<Check | undefined> {
  const env = { FSB_ROOT: root };
  return (await rootCheck({ paths: corePaths(env, 0), packageRoot: '', env }))[0];
}

it('a root that can be made is well, and is not made', async () => {
  const root = join(home, 'far/below');
  const found = `${root}/state and ${root}/run can be written`;
  expect(await look(root)).toEqual({ name: 'root', ok: true, found, hint: '' });
  expect(await readdir(home)).toEqual([]);
});

it('a root below a file is wrong', async () => {
  await writeFile(join(home, 'file'), '');
  expect(await look(join(home, 'file'))).toMatchObject({
    ...{ ok: false, found: `cannot use the directory ${home}/file/state: a part of its path is a file` },
    hint: expect.stringContaining('FSB_ROOT'),
  });
});

it.each(['lock', 'lock.start'])('a %s that cannot be locked is wrong', async (name) => {
  const lock = join(home, 'run', name);
  await mkdir(lock, { recursive: true });
  expect(await look(home)).toMatchObject({
    ...{ ok: false, found: `cannot lock ${lock}: it is a directory` },
    hint: expect.stringContaining(`rm -r ${lock}`),
  });
});

it('too few open files are wrong, and who has enough is told how many', () => {
  expect(openFilesCheck(63)).toMatchObject({
    ...{ name: 'open files', ok: false, found: 'only 63 files may be open at a time, and a core needs 64' },
    hint: expect.stringContaining('ulimit -n'),
  });
  expect(openFilesCheck(64)).toMatchObject({ ok: true, found: 'at most 64 at a time', hint: '' });
  expect(openFilesCheck(Number.POSITIVE_INFINITY)).toMatchObject({ found: 'no limit' });
});
