import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ErrorBody } from '../../../core/model/failure/errors.ts';
import type { CoreStatus } from '../../../core/root/status-file.ts';

/** What a core tells who started it: that it is ready, or why it cannot be. */
export type StartReport = CoreStatus | { error: ErrorBody };

/** A StartReport as JSON, or what happened to the core instead. */
type FirstWord = { said: string; failure?: never } | { said?: never; failure: string };

/**
 * What a starting core says of its start on its descriptor 3, or why it never will.
 * @param deadline in milliseconds
 */
export async function firstWord(child: ChildProcess, deadline: number): Promise<FirstWord> {
  // Listened to from the beginning: it can be gone before its descriptor is seen to close.
  const ended = new Promise<string>((resolve) => {
    child.once('error', ({ message }) => resolve(message));
    child.once('exit', (code, signal) =>
      resolve(`it ${signal ? `was ended by ${signal}` : `ended with exit code ${code}`} before it was ready`),
    );
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<FirstWord>((resolve) => {
    const failure = `it was not ready within ${deadline / 1000} s`;
    timer = setTimeout(() => resolve({ failure }), deadline);
  });
  // The descriptor closes when the core has said its line, or has died, perhaps in the middle of it.
  const word = text(child.stdio[3] as Readable).then(async (said) =>
    said.endsWith('\n') ? { said } : { failure: await ended },
  );
  return Promise.race([word, late]).finally(() => clearTimeout(timer));
}
