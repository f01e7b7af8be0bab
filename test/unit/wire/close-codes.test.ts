import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { type ErrorCode, errorCodes } from '../../../src/core/model/failure/errors.ts';
import { closeCodeOf, closeReason } from '../../../src/core/wire/stream/close-codes.ts';
import { channels } from '../../../src/core/wire/stream/frames.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/streams.md'), 'utf8');

it.each(Object.keys(errorCodes) as ErrorCode[])('the page says with what %s closes', (code) => {
  expect(page).toMatch(new RegExp(`^\\| ${closeCodeOf(code)} \\|.*\`${code}\``, 'm'));
});

it('the page has every channel', () => {
  const listed = [...page.matchAll(/^\| (\d+) [a-z][^|]*\| (?:core|client|both) \|/gm)].map(([row]) => row);
  const numbers = listed.flatMap((row) => row.split('|')[1]!.match(/\d+/g)!.map(Number));
  expect(numbers.sort((a, b) => a - b)).toEqual(Object.values(channels).sort((a, b) => a - b));
});

it('a reason is cut between characters', () => {
  expect(Buffer.byteLength(closeReason('ü'.repeat(100)))).toBe(122);
});
