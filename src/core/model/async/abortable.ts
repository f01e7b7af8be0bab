import { FsbError } from '../failure/errors.ts';

/**
 * The work's own result, or the signal's reason when that comes first, for work that knows no signal itself. That goes
 * on then: `late` gets what it still brings, and its failure is nobody's any more.
 */
export function abortable<T>(
  work: Promise<T>,
  signal?: AbortSignal,
  late: (result: T) => unknown = () => {},
): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      reject(FsbError.from(signal.reason));
      work.then(late).catch(() => {});
    };
    if (signal.aborted) return aborted();
    signal.addEventListener('abort', aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** The same parts, but nobody waits for a source that says nothing more once the signal is aborted. */
export async function* eachAbortable<T>(parts: AsyncIterable<T>, signal?: AbortSignal): AsyncGenerator<T> {
  const iterator = parts[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const work = iterator.next().then(
        (next) => {
          ended = next.done === true;
          return next;
        },
        (error: unknown) => {
          ended = true;
          throw error;
        },
      );
      const next = await abortable(work, signal);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // Not waited for: a generator that hangs in its next() answers return() only after it.
    if (!ended) iterator.return?.().catch(() => {});
  }
}
