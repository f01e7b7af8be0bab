import { FsbError } from './failure/errors.ts';

/** A hundred years, in milliseconds: every date that it leads to exists. */
export const LONGEST_DURATION = 36_500 * 86_400_000;

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Digits with or without a point, which may come first. */
const NUMBER = String.raw`(?:\d+(?:\.\d+)?|\.\d+)`;
const ONLY_NUMBER = new RegExp(`^${NUMBER}$`);
const DURATION = new RegExp(`^(?:${NUMBER}(?:ms|s|m|h|d))+$`);
const DURATION_PART = new RegExp(`(${NUMBER})(ms|s|m|h|d)`, 'g');
const SIZE = new RegExp(`^(${NUMBER})\\s*([kmgt]?)(?:i?b|i)?$`, 'i');

/** `2`, `0.5` or `.5`: no sign, no exponent. */
export const isPlainNumber = (text: string): boolean => ONLY_NUMBER.test(text);

/**
 * Parses `90s`, `5m`, `1h30m`, `2d`, `500ms`; a bare number is seconds.
 * @returns milliseconds
 * @throws invalid_argument
 */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (isPlainNumber(trimmed)) return wholeDuration(Number(trimmed) * 1000);
  if (!DURATION.test(trimmed))
    throw new FsbError('invalid_argument', `invalid duration ${JSON.stringify(text)}`, {
      hint: 'Write it like 500ms, 90s, 5m, 1h30m or 2d.',
    });
  let total = 0;
  for (const [, number, unit] of trimmed.matchAll(DURATION_PART)) total += Number(number) * UNIT_MS[unit!]!;
  return wholeDuration(total);
}

/** @throws invalid_argument */
export function wholeDuration(ms: number): number {
  if (ms <= LONGEST_DURATION) return Math.round(ms);
  throw new FsbError('invalid_argument', `a duration must be at most ${formatDuration(LONGEST_DURATION)}`);
}

/** The shortest exact form of whole milliseconds: 5400000 -> `1h30m`, 0 -> `0s`. */
export function formatDuration(ms: number): string {
  let left = Math.round(ms);
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const count = Math.floor(left / UNIT_MS[unit]!);
    if (count > 0) text += `${count}${unit}`;
    left -= count * UNIT_MS[unit]!;
  }
  return text === '' ? '0s' : text;
}

const SIZE_SHIFT: Record<string, number> = { '': 0, k: 10, m: 20, g: 30, t: 40 };

/**
 * Parses `512m`, `1.5g`, `64Ki`, `1024`, `10MB`; every unit is a power of 1024, as in docker.
 * @returns bytes
 * @throws invalid_argument
 */
export function parseSize(text: string): number {
  const match = SIZE.exec(text.trim());
  if (!match)
    throw new FsbError('invalid_argument', `invalid size ${JSON.stringify(text)}`, {
      hint: 'Write it like 512m, 1.5g or 64Ki.',
    });
  const bytes = Math.round(Number(match[1]) * 2 ** SIZE_SHIFT[match[2]!.toLowerCase()]!);
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new FsbError('invalid_argument', `size ${JSON.stringify(text)} is too large`);
}

/** Nothing starts in less. Bytes. */
const LEAST_MEMORY = 6 * 1024 ** 2;

/** As parseSize(). @throws invalid_argument also for less than anything takes */
export function parseMemory(value: string | number): number {
  const bytes = typeof value === 'number' ? value : parseSize(value);
  if (bytes >= LEAST_MEMORY) return bytes;
  // A bare number is bytes, and few people mean so few.
  const isBare = typeof value === 'number' || /^[\s\d]*$/.test(value);
  const guess = isBare && bytes >= 6 && bytes <= 65_536 ? `; did you mean ${bytes}m?` : '';
  throw new FsbError('invalid_argument', `must be at least 6m${guess}`);
}

/** For people: 1536 -> `1.5KiB`. */
export function formatSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  // As many digits for a size that is nearly whole as for one that is: `76KiB`, never `76.0KiB`.
  return `${value >= 100 ? Math.round(value) : Number(value.toFixed(1))}${units[unit]}`;
}

/** For people, from milliseconds: `5s`, `3m`, `2h`, `4d`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
