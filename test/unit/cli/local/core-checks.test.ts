import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Check } from '../../../../src/cli/local/doctor/check.ts';
import { coreChecks, healthChecks } from '../../../../src/cli/local/doctor/core-checks.ts';
import { corePaths } from '../../../../src/core/model/paths.ts';
import type { SystemHealth } from '../../../../src/core/model/system.ts';
import { health } from '../../../helpers/cli/fixed-answers.ts';

const STATE = '/var/lib/fsb';
const nothing = { running: 0, leases: 0, idle: 0, files: 0, destroyed: 0, lost: 0, failed: 0 };
const well: SystemHealth = {
  ...health,
  ...{
    records: { count: 9, size: 65_536 },
    setAside: [],
    damagedLogs: [],
    recovery: nothing,
    unsettled: [],
    stuck: [],
  },
};
const rowOf = (name: string, told: Partial<SystemHealth>): Check | undefined =>
  healthChecks({ ...well, ...told }, STATE).find((check) => check.name === name);

it('a core that is well has nothing to hint at', () => {
  const checks = healthChecks(well, STATE);
  expect(checks.map(({ name }) => name)).toEqual(['records', 'logs', 'last start']);
  for (const check of checks) expect(check).toMatchObject({ ok: true, hint: '' });
});

it('a write that failed is wrong until others go well', () => {
  const failure = { at: 1, message: 'no room', over: false };
  const records = { ...well.records, failure };
  expect(rowOf('records', { records })).toMatchObject({ ok: false, found: 'no room' });
  expect(rowOf('records', { records: { ...records, failure: { ...failure, over: true } } })).toMatchObject({
    ...{ ok: true, hint: '' },
  });
});

it('records that were set aside are wrong, and the list of images is not among them', () => {
  expect(rowOf('records', { setAside: health.setAside })).toMatchObject({
    ...{ ok: false, found: expect.stringContaining(health.setAside[0]!.path) },
    hint: expect.stringContaining('fsb-ctl system prune --set-aside'),
  });
  const setAside = [{ path: `${STATE}/images/images.json.damaged-1`, size: 1 }];
  expect(rowOf('records', { setAside })).toMatchObject({ ok: true });
});

it('files of logs that cannot be read are wrong, and a row of their own', () => {
  const setAside = [{ path: `${STATE}/logs/0a/00000002.log.aside`, size: 1 }];
  expect(rowOf('records', { setAside })).toMatchObject({ ok: true });
  expect(rowOf('logs', { setAside })).toMatchObject({
    ...{ ok: false, found: expect.stringContaining(setAside[0]!.path) },
  });
});

it('logs of which something is gone are wrong, with the sandboxes whose they are', () => {
  expect(rowOf('logs', { damagedLogs: ['0a'] })).toMatchObject({
    ...{
      ok: false,
      found: expect.stringContaining('of the log of a sandbox are gone or cannot be read: 0a'),
    },
    hint: 'Check the disk.',
  });
});

it('what the core cannot reach yet is told with the reason', () => {
  expect(rowOf('not reached yet', { unsettled: health.unsettled })).toMatchObject({
    ...{ ok: false, found: expect.stringContaining('it does not answer') },
  });
});

it('what the last start has lost is told, and is nothing to put right', () => {
  expect(rowOf('last start', { recovery: { ...nothing, running: 2, lost: 1 } })).toMatchObject({
    ...{
      ok: true,
      found: '2 running sandboxes, 1 sandbox lost',
      hint: expect.stringContaining('--phase lost'),
    },
  });
  // Whatever it is, it is not nothing.
  expect(rowOf('last start', { unsettled: health.unsettled })).toMatchObject({
    found: '1 instance not reached yet',
  });
  expect(rowOf('last start', { recovery: { ...nothing, failed: 2 } })).toMatchObject({
    ...{ ok: true, hint: expect.stringContaining('destroy') },
  });
});

it('instances that cannot be destroyed are wrong', () => {
  expect(rowOf('instances', { stuck: ['i1', 'i2'] })).toMatchObject({
    ...{ ok: false, found: 'cannot be destroyed: i1, i2' },
  });
});

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'fsb-checks-'));
});
afterEach(() => rm(home, { recursive: true }));

it('the records of a core that does not run are looked at as they lie there, and stay', async () => {
  const env = { FSB_ROOT: home };
  const paths = corePaths(env, 0);
  const look = () => coreChecks({ paths, packageRoot: '', env });
  expect(await look()).toMatchObject([
    { name: 'records', ok: true },
    { name: 'core', ok: true },
  ]);
  const records = join(paths.state, 'records');
  await mkdir(records, { recursive: true });
  await writeFile(join(records, 'data.mdb'), 'no records');
  for (const _ of ['first', 'second'])
    expect((await look())[0]).toMatchObject({
      ...{ name: 'records', ok: false, found: expect.stringContaining(`${records} cannot be read: `) },
    });
  await rm(records, { recursive: true });
  await mkdir(`${records}.aside-2026`);
  expect((await look())[0]).toMatchObject({
    ok: false,
    found: expect.stringContaining('records.aside-2026'),
  });
});
