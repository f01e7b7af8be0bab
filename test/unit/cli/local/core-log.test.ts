import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCoreLog } from '../../../../src/cli/local/log/core-log.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { corePaths } from '../../../../src/core/model/paths.ts';
import { useTracer } from '../../../../src/core/model/trace.ts';
import { plainSpan } from '../../../helpers/core/plain-span.ts';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fsb-log-'));
});

afterEach(() => {
  useTracer(undefined);
  rmSync(root, { recursive: true });
});

const linesOf = (path: string): object[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);

it('has the step in which a line was said, when there are traces', () => {
  const paths = corePaths({ FSB_ROOT: root }, 0);
  const step = { ...plainSpan, traceId: 'a1', spanId: 'b2' };
  let current: typeof step | undefined = step;
  useTracer({ begin: () => step, within: (_, run) => run(), current: () => current });
  const log = openCoreLog(paths, 'info');
  log.child({ component: 'agent' }).warn({ sandbox: 'c3' }, 'inside');
  current = undefined;
  log.info('outside');
  const [inside, outside] = linesOf(paths.log);
  expect(inside).toMatchObject({
    level: 40,
    component: 'agent',
    sandbox: 'c3',
    trace_id: 'a1',
    span_id: 'b2',
  });
  expect(outside).not.toHaveProperty('trace_id');
});

it('has nothing of them otherwise, and no line below its level', () => {
  const paths = corePaths({ FSB_ROOT: root }, 0);
  const log = openCoreLog(paths, 'warn');
  log.info('not so important');
  log.error('important');
  expect(linesOf(paths.log)).toEqual([
    { level: 50, time: expect.any(Number), pid: process.pid, msg: 'important' },
  ]);
});

it('has of a failure what the page of the log says, whatever a bundler calls its class', () => {
  const paths = corePaths({ FSB_ROOT: root }, 0);
  const log = openCoreLog(paths, 'info');
  class _FsbError extends FsbError {}
  log.error({ err: new _FsbError('conflict', 'it has ended', { hint: 'Start it.' }) }, 'failed');
  log.child({ component: 'agent' }).error({ err: new TypeError('odd') }, 'failed');
  log.error({ err: 'a word' }, 'failed');
  const stack = expect.any(String);
  expect(linesOf(paths.log).map((line) => (line as { err: unknown }).err)).toEqual([
    { type: 'FsbError', message: 'it has ended', stack, code: 'conflict', hint: 'Start it.' },
    { type: 'TypeError', message: 'odd', stack },
    'a word',
  ]);
});
