/**
 * The result of `work`, or the signal's reason as soon as it aborts, for work that knows no signal itself. That goes
 * on then: `late` gets what it still brings, and its failure is nobody's any more.
 */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  late: (result: T) => unknown = () => {},
): Promise<T> {
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([aborted, work]);
  } catch (error) {
    if (signal.aborted) work.then(late).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** The same for every part of what comes bit by bit. */
export async function* untilAbortedEach<T>(parts: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  const iterator = parts[Symbol.asyncIterator]();
  for (;;) {
    const next = await untilAborted(Promise.resolve(iterator.next()), signal);
    if (next.done) return;
    yield next.value;
  }
}
