import { expect, it } from 'vitest';
import { dockerAge } from '../../../../src/cli/output/docker/docker-age.ts';

const [SECOND, HOUR, DAY] = [1_000, 3_600_000, 86_400_000];

// As github.com/docker/go-units has it, with its own examples.
it.each([
  [-5, 'Less than a second'],
  [450, 'Less than a second'],
  [SECOND, '1 second'],
  [45 * SECOND, '45 seconds'],
  [60 * SECOND, 'About a minute'],
  [3 * 60 * SECOND, '3 minutes'],
  [35 * 60 * SECOND, '35 minutes'],
  [HOUR, 'About an hour'],
  [HOUR + 45 * 60 * SECOND, '2 hours'],
  [35 * HOUR, '35 hours'],
  [2 * DAY, '2 days'],
  [13 * DAY, '13 days'],
  [14 * DAY, '2 weeks'],
  [45 * DAY, '6 weeks'],
  [60 * DAY, '2 months'],
  [700 * DAY, '23 months'],
  [2 * 365 * DAY, '2 years'],
])('%d ms are %s', (ms, text) => expect(dockerAge(ms)).toBe(text));
