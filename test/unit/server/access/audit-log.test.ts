import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../../src/core/model/clock.ts';
import { AuditFiles } from '../../../../src/core/server/access/audit-files.ts';
import { AuditLog } from '../../../../src/core/server/access/audit-log.ts';
import { createManualClock } from '../../../helpers/manual-clock.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fsb-audit-'));
  path = join(directory, 'audit.log');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const open = (longest = 1000, clock: Clock = systemClock): AuditLog =>
  new AuditLog({ path, longest, clock, log: pino({ level: 'silent' }) });
const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n');
const write = (log: AuditLog, object: string): boolean =>
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

it('cannot be emptied by who is refused again and again, and says how often that was', async () => {
  const clock = createManualClock();
  const log = open(10_000, clock);
  write(log, 'the one that matters');
  const refuse = (caller: string, object: string): boolean =>
    log.write({ caller, address: '', method: 'sandboxes.create', object, code: 'denied' });
  for (let n = 0; n < 2_000; n++) refuse('reader', `a/${n}`);
  refuse('other', 'b');
  write(log, 'c');
  await clock.advance(60_000);
  refuse('reader', 'next');
  for (let n = 0; n < 21; n++) refuse('other', `d/${n}`);
  log.close();
  const entries = linesOf(path).map((line) => JSON.parse(line));
  expect(entries.map(({ object }) => object)).toEqual([
    ...['the one that matters', ...Array.from({ length: 20 }, (_, n) => `a/${n}`), 'b', 'c'],
    ...['a/1999', 'next', ...Array.from({ length: 21 }, (_, n) => `d/${n}`)],
  ]);
  expect(entries.filter(({ more }) => more !== undefined)).toEqual([
    expect.objectContaining({ caller: 'reader', object: 'a/1999', code: 'denied', more: 1_979 }),
    expect.objectContaining({ caller: 'other', object: 'd/20', more: 0 }),
  ]);
});

it('cannot be emptied by strangers, of however many addresses', async () => {
  const clock = createManualClock();
  const log = open(100_000, clock);
  write(log, 'the one that matters');
  for (let n = 0; n < 2_000; n++)
    log.write({ caller: '', address: `192.0.2.1:${n}`, method: '/x', object: '', code: 'unauthenticated' });
  await clock.advance(60_000);
  log.close();
  const entries = linesOf(path).map((line) => JSON.parse(line));
  expect(entries).toHaveLength(22);
  expect(entries[0]).toMatchObject({ object: 'the one that matters' });
  expect(entries.at(-1)).toMatchObject({ caller: '', address: '192.0.2.1:1999', more: 1_979 });
});

it('cannot be emptied by who does the same again and again, or what changes nothing', async () => {
  const clock = createManualClock();
  const log = open(100_000, clock);
  const tell = (method: string, object: string, isIdle = false): boolean =>
    log.write({ caller: 'ci', address: '', method, object, code: 'ok' }, { isIdle });
  for (let n = 0; n < 1_000; n++) {
    tell('sandboxes.start', 'a/b');
    tell('images.save', `image:${n}`, true);
  }
  for (let n = 0; n < 30; n++) tell('sandboxes.start', `a/${n}`);
  await clock.advance(60_000);
  log.close();
  const entries = linesOf(path).map((line) => JSON.parse(line));
  expect(entries).toHaveLength(21 + 21 + 30);
  expect(entries.filter(({ more }) => more !== undefined)).toEqual([
    expect.objectContaining({ method: 'sandboxes.start', object: 'a/b', more: 979 }),
    expect.objectContaining({ method: 'images.save', object: 'image:999', more: 979 }),
  ]);
});

it('says of each beginning that it tells how it ended, whatever else its caller does', () => {
  const log = open(100_000, createManualClock());
  const tell = (object: string, code: 'begun' | 'timeout', hasBegun = false): boolean =>
    log.write({ caller: 'ci', address: '', method: 'sandboxes.delete', object, code }, { hasBegun });
  for (let n = 0; n < 100; n++) tell(`refused/${n}`, 'timeout');
  const objects = Array.from({ length: 25 }, (_, n) => `a/${n}`);
  const begun = objects.map((object) => tell(object, 'begun'));
  expect(begun).toEqual(objects.map((_, n) => n < 20));
  for (const [n, object] of objects.entries()) tell(object, 'timeout', begun[n]);
  log.close();
  const entries = linesOf(path).map((line) => JSON.parse(line));
  const beginnings = entries.filter(({ code }) => code === 'begun');
  expect(beginnings.map(({ object, more }) => [object, more])).toEqual([
    ...objects.slice(0, 20).map((object) => [object, undefined]),
    ['a/24', 4],
  ]);
  for (const { object, more } of beginnings)
    if (more === undefined)
      expect(entries.filter((entry) => entry.object === object).map(({ code }) => code)).toEqual([
        'begun',
        'timeout',
      ]);
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

it('loses nothing to strangers and to who may only read, however many and however long', async () => {
  const clock = createManualClock();
  const files = new AuditFiles({ path, longest: 10_000, clock, log: pino({ level: 'silent' }) });
  const made = { caller: 'ci', address: '', method: 'sandboxes.create', object: 'a/b' };
  files.write({ ...made, code: 'ok' });
  files.write({ ...made, method: 'images.import', code: 'begun' });
  for (let minute = 0; minute < 100; minute++) {
    for (let n = 0; n < 100; n++) {
      const address = `192.0.2.${minute}:${n}`;
      files.write({ caller: '', address, method: '/x', object: '', code: 'unauthenticated' });
      files.write({
        caller: 'reader',
        address,
        method: 'sandboxes.delete',
        object: `a/${n}`,
        code: 'denied',
      });
    }
    await clock.advance(60_000);
  }
  // Only one that had begun is with its beginning.
  files.write({ ...made, method: 'images.import', code: 'denied' }, { hasBegun: true });
  files.close();
  const codes = (file: string): string[] => linesOf(file).map((line) => JSON.parse(line).code);
  expect(codes(path)).toEqual(['ok', 'begun', 'denied']);
  const refused = join(directory, 'audit-refused.log');
  expect(new Set(codes(refused))).toEqual(new Set(['unauthenticated', 'denied']));
  expect(statSync(refused).size + statSync(`${refused}.1`).size).toBeLessThanOrEqual(20_000);
});
