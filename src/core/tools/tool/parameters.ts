import { z } from 'zod';

/** Parameters that several tools have. */

const LONGEST_TIMEOUT = 3600;

/** A parameter that must be there. */
export const givenText = z.string({
  error: ({ input }) => (input === undefined ? 'must be given' : 'must be a string'),
});

export const textWithoutNul = givenText.refine((text) => !text.includes('\0'), 'must not contain a NUL byte');

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
