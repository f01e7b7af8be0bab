import { FsbError } from '../../core/model/failure/errors.ts';
import { isPlainNumber, parseDuration } from '../../core/model/quantity.ts';

const RFC3339 = /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)?)?$/;

/**
 * A moment: RFC3339 (local time without a zone), unix seconds, or a duration before `now`.
 * @returns milliseconds since the epoch
 * @throws invalid_argument naming the flag
 */
export function parseMoment(text: string, now: number, flag: string): number {
  if (isPlainNumber(text)) return Number(text) * 1000;
  if (RFC3339.test(text)) {
    const time = Date.parse(text.length === 10 ? `${text}T00:00:00` : text.replace(' ', 'T'));
    if (!Number.isNaN(time) && isDay(text.slice(0, 10))) return time;
  }
  try {
    return now - parseDuration(text);
  } catch {
    throw new FsbError('invalid_argument', `--${flag}: invalid time ${JSON.stringify(text)}`, {
      hint: 'Give a duration (10m), a time (2026-01-31T10:00:00Z) or unix seconds.',
    });
  }
}

/** JavaScript takes February 31 for March 3. */
const isDay = (text: string): boolean => new Date(text).getUTCDate() === Number(text.slice(-2));

/**
 * @returns undefined for `all`
 * @throws invalid_argument
 */
export function parseTail(text: string): number | undefined {
  if (text === 'all') return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new FsbError('invalid_argument', `--tail: invalid number of lines ${JSON.stringify(text)}`, {
    hint: 'Give a number from 0 up, or all.',
  });
}
