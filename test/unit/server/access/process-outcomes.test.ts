/** What the audit log is told of calls that give a process: how they end when they end, not when it was started. */
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { settler } from '../../../../src/core/client/settler.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { ExitStatus, ProcessSession } from '../../../../src/core/model/process.ts';
import { guardPart } from '../../../../src/core/server/access/guard-part.ts';
import type { Table } from '../../../../src/core/server/access/row.ts';
import { agentTable, tables } from '../../../../src/core/server/access/tables.ts';
import { execOf } from '../../../contract/workbench.ts';

const exec = execOf(['sleep', '9']);
const ref = { namespace: 'mine', name: 'box' };

const calls: [part: string, method: string, ...args: object[]][] = [
  ['sandboxes', 'exec', ref, exec],
  ['sandboxes', 'attach', ref, { stdin: false, replay: false }],
  ['pools', 'run', { pool: 'p', exec }],
  ['pools', 'exec', Object('l1'), exec],
  ['agent', 'exec', Object('s1'), exec],
  ['agent', 'execOnFiles', { sandboxId: 's1' }, exec],
  ['agent', 'attach', Object('s1'), { stdin: false, replay: false }],
];

function begin(part: string, method: string, ...args: object[]) {
  const exit = settler<ExitStatus>();
  const closes: string[] = [];
  const session = {
    exited: exit.promise,
    close: async () => void closes.push('closed'),
  } as unknown as ProcessSession;
  const told: string[] = [];
  const rows = { ...tables, agent: agentTable } as unknown as Record<string, Table<Record<string, never>>>;
  const guarded = guardPart<Record<string, (...all: object[]) => Promise<ProcessSession>>>(
    part,
    { [method]: async () => session },
    { [method]: (rows[part] as Record<string, never>)[method]! },
    {
      caller: { name: 'ci', scopes: ['admin'], namespaces: 'all' },
      audit: ({ code }, { hasBegun }) => told.push(hasBegun ? `${code}, as it has begun` : code) > 0,
    },
  );
  return { exit, closes, told, started: guarded[method]!(...args) };
}

it.each(calls)('%s.%s is told when the process has ended, once', async (...call) => {
  const { exit, closes, told, started } = begin(...call);
  const session = await started;
  await setImmediate();
  expect(told).toEqual(['begun']);
  exit.resolve({ code: 1, signal: null });
  await session.exited;
  await session.close();
  expect(told).toEqual(['begun', 'ok, as it has begun']);
  expect(closes).toEqual(['closed']);
});

it.each(calls)('%s.%s is told when its caller has let go before, once', async (...call) => {
  const { exit, closes, told, started } = begin(...call);
  const session = await started;
  await session[Symbol.asyncDispose]();
  exit.resolve({ code: 0, signal: null });
  await setImmediate();
  expect(told).toEqual(['begun', 'cancelled, as it has begun']);
  expect(closes).toEqual(['closed']);
});

it.each(calls)('%s.%s is told why nobody knows how the process has ended', async (...call) => {
  const { exit, told, started } = begin(...call);
  await started;
  exit.reject(new FsbError('run_failed', 'the instance is gone'));
  await setImmediate();
  expect(told).toEqual(['begun', 'run_failed, as it has begun']);
});

it.each([
  ['sandboxes', ref],
  ['pools', Object('l1')],
  ['agent', Object('s1')],
])('%s.exec that only starts something is over then', async (part, of) => {
  const { told, started } = begin(part, 'exec', of, { ...exec, detach: true });
  await (await started).close();
  expect(told).toEqual(['begun', 'ok, as it has begun']);
});
