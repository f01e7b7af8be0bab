import { z } from 'zod';

/** Parameters that several tools have. */

const LONGEST_TIMEOUT = 3600;

const hasNul = (text: string): boolean => text.includes('\0');

export const textWithoutNul = z.string().refine((text) => !hasNul(text), 'must not contain a NUL byte');

export const code = textWithoutNul.refine((text) => text.trim() !== '', 'must not be empty');

/** Seconds outside, milliseconds inside. */
export const seconds = (what: string, byDefault: number) =>
  z
    .number()
    .positive('must be more than 0')
    .max(LONGEST_TIMEOUT, `must be at most ${LONGEST_TIMEOUT}`)
    .default(byDefault)
    .describe(`${what}, in seconds.`)
    .transform((value) => value * 1000);
