import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Check } from '../../../../src/cli/local/doctor/check.ts';
import { corePaths } from '../../../../src/core/model/paths.ts';
import { runCommandLine, startCommandLine } from '../../../helpers/cli/command-line.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

/** A core that takes connections and says nothing, as one that was stopped does. */
const core = createServer();
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fsb-doctor-'));
  const { grpcSocket } = corePaths({ FSB_ROOT: root }, 0);
  await mkdir(dirname(grpcSocket), { mode: 0o700 });
  await once(core.listen(grpcSocket), 'listening');
});

afterEach(async () => {
  core.close();
  await rm(root, { recursive: true });
});

it.each([
  ['doctor', '--timeout', 124],
  ['doctor', 'an interrupt', 130],
  ['doctor --fix', '--timeout', 124],
  ['doctor --fix', 'an interrupt', 130],
])('%s ends at %s while the core does not answer', async (line, how, code) => {
  const clock = createManualClock();
  const asked = once(core, 'connection');
  const running = startCommandLine([...line.split(' '), '--timeout', '1s'], {
    env: { FSB_ROOT: root },
    clock,
  });
  await asked;
  if (how === '--timeout') await clock.advance(1000);
  else running.events.emit('SIGINT');
  expect(await running.code).toBe(code);
  expect(running.stderr.text.match(/Error:/g) ?? []).toHaveLength(how === '--timeout' ? 1 : 0);
});

it('what cannot be looked at is a check that fails, beside all the others', async () => {
  core.close();
  const { run } = corePaths({ FSB_ROOT: root }, 0);
  await rm(run, { recursive: true });
  await mkdir(run, { mode: 0o700 });
  await writeFile(join(run, 'i'), 'no directory');
  const { code, stdout, stderr } = await runCommandLine(['doctor', '-o', 'json'], {
    env: { FSB_ROOT: root },
  });
  const checks = JSON.parse(stdout) as Check[];
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  expect(checks.find(({ name }) => name === 'leftovers')).toMatchObject({
    ok: false,
    found: expect.stringContaining(`ENOTDIR: not a directory, scandir '${run}/i'`),
  });
  expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(['node', 'disk', 'records', 'core']));
});
