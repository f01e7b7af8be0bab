import { pino } from 'pino';
import { expect, it } from 'vitest';
import { systemClock } from '../../../../src/core/model/clock.ts';
import { parseCredentials } from '../../../../src/core/server/auth/credential-list.ts';
import { Credentials } from '../../../../src/core/server/auth/credentials.ts';

it.each([
  [['robot', 'robot.example.com'], 'certificate:robot'],
  [['local'], 'certificate:local'],
  [['token'], 'certificate:token'],
  [['two words', 'robot.example.com'], 'certificate:robot.example.com'],
  [['x'.repeat(129)], 'certificate'],
  [[], 'certificate'],
])('without a list the owner of a certificate of %j is nobody else: %s', (names, name) => {
  const credentials = new Credentials({ clock: systemClock, log: pino({ level: 'silent' }) });
  expect(credentials.ofCertificate(names, Number.POSITIVE_INFINITY)?.caller.name).toBe(name);
});

const token = (name: string) => ({ name, sha256: 'ab'.repeat(32), scopes: ['read'] });
const owner = (subject: string) => ({ subject, scopes: ['read'] });

it.each([
  ['ci is there twice', { tokens: [token('ci'), token('ci')] }],
  ['ci is there twice', { certificates: [owner('ci'), owner('ci')] }],
  ['ci is there twice', { tokens: [token('ci')], certificates: [owner('ci')] }],
  ['is the name of the user of the core itself', { tokens: [token('local')] }],
  ['is the name of a token that is alone in its file', { tokens: [token('token')] }],
  ['is the name of a token that is alone in its file', { certificates: [owner('token')] }],
  ['is the name of a certificate that no list has', { tokens: [token('certificate')] }],
  ['is the name of a certificate that no list has', { tokens: [token('certificate:robot')] }],
])('no two callers have one name, and none has that of another kind of caller: %s', (why, list) => {
  expect(() => parseCredentials(JSON.stringify(list), 'f')).toThrow(why);
});

it('names the scopes and the keys that there are', () => {
  const read = (entry: object) => () =>
    parseCredentials(JSON.stringify({ tokens: [{ ...token('ci'), ...entry }] }), 'f');
  expect(read({ scopes: ['superuser'] })).toThrow(
    'invalid token file f: tokens.0.scopes.0: must be one of read, use, admin',
  );
  expect(read({ token: 'x' })).toThrow(
    expect.objectContaining({ hint: 'Keys are name, sha256, scopes, namespaces, expires.' }),
  );
});
