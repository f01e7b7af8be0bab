import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensureLocalCore } from '../../../../src/cli/local/daemon/autostart.ts';
import type { LocalCore } from '../../../../src/cli/local/daemon/local-core.ts';
import { runningCore } from '../../../../src/cli/local/daemon/running-core.ts';
import { findFaults } from '../../../../src/cli/local/doctor/repair/find-faults.ts';
import { readLogFile } from '../../../../src/cli/local/log/log-file.ts';
import { corePaths } from '../../../../src/core/model/paths.ts';
import { makePrivateDirectory } from '../../../../src/core/root/private-directory.ts';

/** A root that belongs to another user, and is closed to others: nobody can say what is in it, a core or none. */
let root: string;
let local: LocalCore;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fsb-foreign-'));
  local = { paths: corePaths({ FSB_ROOT: root }, 0), packageRoot: '/nowhere', env: {} };
  for (const directory of [local.paths.state, local.paths.run]) mkdirSync(directory);
  writeFileSync(local.paths.log, '');
  chmodSync(root, 0o700);
});

afterEach(() => rmSync(root, { recursive: true }));

const NOBODY = 65_534;

/** Root is refused nothing. */
async function asNobody<T>(act: () => Promise<T>): Promise<T> {
  process.seteuid!(NOBODY);
  try {
    return await act();
  } finally {
    process.seteuid!(0);
  }
}

it.runIf(process.getuid!() === 0).each<[string, () => Promise<unknown>]>([
  ['to say whether a core runs', () => runningCore(local)],
  ['to start one', () => ensureLocalCore(local, () => {})],
  ['to make what it needs', async () => makePrivateDirectory(local.paths.run)],
  ['to show its log', () => readLogFile(local.paths.log, query()).next()],
])('refuses %s', async (_, act) => {
  await expect(asNobody(act)).rejects.toMatchObject({
    code: 'denied',
    message: expect.stringMatching(/: permission denied$/),
    hint: 'Do it as the user whose core that is, or choose another root with FSB_ROOT or --root.',
  });
});

it.runIf(process.getuid!() === 0)('is nothing to put right for others', async () => {
  const { faults } = await asNobody(() => findFaults(local, '1'));
  expect(faults.filter(({ usual }) => !usual)).toEqual([]);
});

const query = () => ({ tail: undefined, follow: false, signal: new AbortController().signal });
