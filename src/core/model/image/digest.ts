import { FsbError } from '../failure/errors.ts';

const PREFIX = 'sha256:';
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** Whether the text is a digest: `sha256:` and 64 hexadecimal digits. */
export const isDigest = (text: string): boolean => DIGEST.test(text);

/** @throws invalid_argument, naming `what` ("image digest") */
export function assertDigest(text: string, what: string): void {
  if (isDigest(text)) return;
  throw new FsbError(
    'invalid_argument',
    `${what} ${JSON.stringify(text)} is not sha256: and 64 hexadecimal digits`,
  );
}

/** The 64 digits alone, as files are called. */
export const hexOf = (digest: string): string => digest.slice(PREFIX.length);

/** @param hex 64 hexadecimal digits, or the first of them */
export const digestOfHex = (hex: string): string => PREFIX + hex;

/** As people see it: the first 12 digits. */
export const shortDigest = (digest: string): string => digest.replace(PREFIX, '').slice(0, 12);
