import { FsbError } from '../../../core/model/failure/errors.ts';

/** One line of `doctor`. */
export interface Check {
  name: string;
  ok: boolean;
  /** It is well without: what only some need is not there. */
  lacking?: true;
  found: string;
  /** What to do about it, or to make it better; empty when all is well. */
  hint: string;
}

/** What cannot be looked at is not well, and keeps nobody from looking at the rest. */
export function failedCheck(name: string, thrown: unknown): Check {
  const { message, hint = hintFor(thrown as NodeJS.ErrnoException) } = FsbError.from(thrown);
  return { name, ok: false, found: message, hint };
}

const hintFor = ({ code = '' }: NodeJS.ErrnoException): string =>
  ['EACCES', 'EPERM'].includes(code) ? 'Look as the user whose core that is.' : 'Mend it.';

/** @param look at what belongs together. Never rejects */
export async function checksOf(name: string, look: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await look();
  } catch (thrown) {
    return [failedCheck(name, thrown)];
  }
}
