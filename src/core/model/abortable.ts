import { FsbError } from './errors.ts';

/** The work's own result, or the signal's reason when that comes first. The work itself goes on. */
export function abortable<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const aborted = (): void => reject(FsbError.from(signal.reason));
    if (signal.aborted) aborted();
    else signal.addEventListener('abort', aborted);
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}
