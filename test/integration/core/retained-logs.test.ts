import { rm } from 'node:fs/promises';
import { expect, it } from 'vitest';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { type LogQuery, wholeLog } from '../../../src/core/model/logs.ts';
import { errorOf, Workbench } from '../../contract/workbench.ts';
import { startCoreProcess } from '../../helpers/core/core-process.ts';
import { box, make } from '../../helpers/core/crash/boxes.ts';
import { leftovers } from '../../helpers/core/leftovers.ts';
import { makeRoot } from '../../helpers/core/real-core.ts';

const logOf = async (api: CoreApi, name: string, query: Partial<LogQuery> = {}): Promise<string> => {
  let text = '';
  for await (const { data } of api.sandboxes.logs({ ...box, name }, { ...wholeLog, ...query }))
    text += data.toString();
  return text;
};

it('the log of a deleted sandbox is read as before, over the end and the death of cores, until its time is over', async () => {
  const root = await makeRoot();
  const logRetention = 3_600_000;
  let core = await startCoreProcess(root, { logRetention });
  const bench = new Workbench();
  bench.use(core.api);
  const { id } = await make(core.api, 'echo one; echo two; echo three >&2; exec sleep 1000');
  while (!(await logOf(core.api, 'box')).includes('three')) await new Promise((next) => setTimeout(next, 5));
  // One that follows hears the end, and not that the log is gone.
  const followed = logOf(core.api, 'box', { follow: true });
  await core.api.sandboxes.delete(box, { grace: 0 });
  expect(await followed).toContain('two\n');

  const check = async (): Promise<void> => {
    const { sandboxes, system } = core.api;
    for (const name of ['box', id, id.slice(0, 8)])
      expect(await logOf(core.api, name, { stderr: false })).toBe('one\ntwo\n');
    expect(await logOf(core.api, 'box', { tail: 1, stderr: false, follow: true })).toBe('two\n');
    expect(await logOf(core.api, 'box', { until: 1 })).toBe('');
    for (const name of ['box', id])
      expect(await errorOf(sandboxes.get({ ...box, name }))).toMatchObject({ code: 'not_found' });
    expect(await sandboxes.list({})).toEqual([]);
    expect(await errorOf(logOf(core.api, 'other'))).toMatchObject({ code: 'not_found' });
    const [log, ...more] = (await system.usage()).logs;
    expect(more).toEqual([]);
    expect(log).toMatchObject({ sandboxId: id, deleted: { ...box, at: expect.any(Number) } });
  };
  await check();
  expect(await core.stop()).toBe(0);
  // What is retained stays, also when no more is.
  core = await startCoreProcess(root);
  await check();
  await core.kill();
  core = await startCoreProcess(root, { logRetention });
  bench.use(core.api);
  await check();

  const next = await make(core.api, 'echo another; exec sleep 1000');
  await expect.poll(() => logOf(core.api, 'box')).toBe('another\n');
  expect(await logOf(core.api, id, { stderr: false })).toBe('one\ntwo\n');
  await core.api.sandboxes.delete(box, { grace: 0 });
  expect(await logOf(core.api, 'box')).toBe('another\n');

  const { retainedLogs, removeLogs } = core.api.system;
  expect((await retainedLogs()).map(({ sandboxId }) => sandboxId)).toEqual([id, next.id]);
  await removeLogs([next.id, 'f'.repeat(32)]);
  expect(await logOf(core.api, 'box', { stderr: false })).toBe('one\ntwo\n');
  await removeLogs([id]);
  expect(await errorOf(logOf(core.api, 'box'))).toMatchObject({ code: 'not_found' });
  expect(await leftovers(core, root)).toEqual([]);
  await rm(root, { recursive: true });
}, 60_000);
