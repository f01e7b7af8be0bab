import { pino } from 'pino';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/core/model/clock.ts';
import { Credentials } from '../../../src/core/server/auth/credentials.ts';

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
