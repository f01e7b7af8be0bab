import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/model/clock.ts';
import { AuditLog } from '../../../src/core/server/access/audit-log.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fsb-audit-'));
  path = join(directory, 'audit.log');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (longest = 1000): AuditLog =>
  new AuditLog({ path, longest, clock: systemClock, log: pino({ level: 'silent' }) });
const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n');
const write = (log: AuditLog, object: string): void =>
  log.write({ caller: 'ci', address: '', method: 'sandboxes.create', object, code: 'ok' });

it('goes on after a restart, is private, and has two files at most', () => {
  const first = open();
  write(first, 'a/1');
  first.close();
  first.close();
  const next = open();
  write(next, 'a/2\n{"forged": true}');
  expect(linesOf(path).map((line) => JSON.parse(line).object)).toEqual(['a/1', 'a/2\n{"forged": true}']);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  for (let i = 0; i < 50; i++) write(next, `a/${i}`);
  next.close();
  for (const file of [path, `${path}.1`]) expect(statSync(file).size).toBeLessThanOrEqual(1000);
  expect(JSON.parse(linesOf(path).at(-1)!)).toMatchObject({ object: 'a/49' });
  rmSync(directory, { recursive: true });
});

it('cannot be emptied by who names long things', () => {
  const log = open(10_000);
  write(log, 'the one that matters');
  for (let i = 0; i < 10; i++) write(log, 'x'.repeat(4 * 1024 * 1024));
  log.close();
  expect(JSON.parse(linesOf(path)[0]!)).toMatchObject({ object: 'the one that matters' });
});

it('goes on where older ones cannot be put away, and when its file was taken away', () => {
  mkdirSync(`${path}.1`);
  const log = open(300);
  for (let i = 0; i < 5; i++) write(log, `a/${i}`);
  expect(linesOf(path)).toHaveLength(5);
  rmSync(`${path}.1`, { recursive: true });
  rmSync(path);
  write(log, 'a/5');
  log.close();
  expect(linesOf(path).map((line) => JSON.parse(line).object)).toEqual(['a/5']);
});
