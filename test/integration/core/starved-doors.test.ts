import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/model/clock.ts';
import { AuditLog } from '../../../src/core/server/access/audit-log.ts';
import { Credentials } from '../../../src/core/server/auth/credentials.ts';
import { FreshFiles } from '../../../src/core/server/fresh-files.ts';
import { sha256 } from '../../helpers/core/secure-core.ts';
import { limiter } from '../../helpers/descriptor-limit.ts';

const descriptors = limiter();
const silent = pino({ level: 'silent' });
const clock = systemClock;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fsb-starved-'));
});
afterEach(async () => {
  await descriptors.set(descriptors.usual);
  rmSync(directory, { recursive: true, force: true });
});

/** Fewer than are open. */
const starve = (): Promise<void> => descriptors.set(10);
const feed = (): Promise<void> => descriptors.set(descriptors.usual);

it('a token that is taken away while no file can be read is nobody’s once one can', async () => {
  const [kept, revoked] = ['kept-token-0123456789', 'revoked-token-0123456789'];
  const tokenFile = join(directory, 'tokens.yaml');
  const list = (...tokens: string[]): void => {
    const lines = tokens.map((token, i) => `  - { name: t${i}, sha256: ${sha256(token)}, scopes: [read] }\n`);
    writeFileSync(tokenFile, `tokens:\n${lines.join('')}`, { mode: 0o600 });
  };
  list(kept, revoked);
  const credentials = new Credentials({ tokenFile, clock, log: silent });
  expect(credentials.ofToken(revoked)).toBeDefined();
  list(kept);
  await starve();
  expect(credentials.ofToken(kept)).toBeDefined();
  await feed();
  expect(credentials.ofToken(revoked)).toBeUndefined();
  expect(credentials.ofToken(kept)).toBeDefined();
});

it('what cannot be read is told once, and what cannot be used is read once', async () => {
  const file = join(directory, 'number');
  writeFileSync(file, '1');
  const told: string[] = [];
  let parsed = 0;
  const fresh = new FreshFiles({
    files: { file },
    parse: (contents) => {
      parsed += 1;
      if (contents.file.toString() === 'bad') throw new Error('no number');
      return Number(contents.file);
    },
    onBroken: ({ message }) => told.push(message),
    onChanged: () => told.push('changed'),
  });
  writeFileSync(file, '22');
  await starve();
  expect([fresh.value, fresh.value]).toEqual([1, 1]);
  await feed();
  expect([fresh.value, fresh.value]).toEqual([22, 22]);
  writeFileSync(file, 'bad');
  expect([fresh.value, fresh.value]).toEqual([22, 22]);
  expect(told).toEqual([expect.stringContaining('EMFILE'), 'changed', 'no number']);
  expect(parsed).toBe(3);
});

it('the audit log misses nothing when it is to be turned over while there is no descriptor', async () => {
  const path = join(directory, 'audit.log');
  const log = new AuditLog({ path, longest: 300, clock, log: silent });
  const write = (object: string): boolean =>
    log.write({ caller: 'ci', address: '', method: 'sandboxes.create', object, code: 'ok' });
  const objects = (file: string): string[] =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).object);
  write('a/1');
  write('a/2');
  await starve();
  write('a/3');
  write('a/4');
  await feed();
  write('a/5');
  log.close();
  expect(objects(`${path}.1`)).toEqual(['a/1', 'a/2', 'a/3', 'a/4']);
  expect(objects(path)).toEqual(['a/5']);
});
