import { throwIfAborted } from '../../model/errors.ts';

/**
 * Waits for something that never rejects, or until the signal is aborted.
 * @throws the signal's reason
 */
export async function settledOrAborted(settled: Promise<unknown>, signal?: AbortSignal): Promise<void> {
  throwIfAborted(signal);
  let stop = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
  });
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([settled, aborted]);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
  throwIfAborted(signal);
}

/** The same bytes, but nobody waits for a source that says nothing more once the signal is aborted. */
export async function* untilAborted(
  source: AsyncIterable<Buffer>,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const iterator = source[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = iterator.next();
      // Heard of below, unless the signal comes first.
      next.catch(() => {});
      await settledOrAborted(
        next.then(
          () => {},
          () => {},
        ),
        signal,
      );
      const { value, done } = await next.catch((error: unknown) => {
        ended = true;
        throw error;
      });
      if (done) {
        ended = true;
        return;
      }
      yield value;
    }
  } finally {
    // Not waited for: a generator that hangs in its next() answers return() only after it.
    if (!ended) iterator.return?.().catch(() => {});
  }
}
