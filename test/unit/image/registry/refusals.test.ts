import fc from 'fast-check';
import { expect, it } from 'vitest';
import { printable } from '../../../../src/core/image/registry/refusals.ts';
import { parseRetryAfter } from '../../../../src/core/image/registry/retry.ts';

it.each([
  ['plain', 'plain'],
  [' a\n\tb\u0000\u001b[31mc\u202e ', 'a b [31mc'],
  ['see https://user:pass@host.test/path?X-Signature=1#x now', 'see https://host.test/path now'],
  ['no hunter2-hunter2', 'no ***-***'],
])('a message of a server is shown as %j', (said, shown) => {
  expect(printable(said, ['hunter2', ''])).toBe(shown);
});

it('no message is long, has a control character, or a secret', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string({ minLength: 6, unit: 'grapheme-ascii' }),
      (said, secret) => {
        const shown = printable(`${said}${secret}${said}`, [secret]);
        expect(shown.length).toBeLessThanOrEqual(203);
        expect(shown).not.toMatch(/\p{Cc}/u);
      },
    ),
  );
});

it.each([
  [undefined, undefined],
  ['5', 5000],
  ['0', 0],
  ['99999', 60_000],
  ['Thu, 01 Jan 1970 00:00:10 GMT', 9000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ['-1x', undefined],
])('Retry-After %j is %j', (header, wait) => {
  expect(parseRetryAfter(header, 1000)).toBe(wait);
});
