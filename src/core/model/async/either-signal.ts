/** Aborted when one of two others is. */
export interface EitherSignal {
  signal: AbortSignal;
  /** Lets go of both. Idempotent. */
  settle(): void;
}

/**
 * For one piece of work: what its caller gave, if anything, and a signal that lives much longer. Not AbortSignal.any: what
 * somebody listens to and is never aborted is kept for ever then, and the longer signal remembers every one of them.
 */
export function either(caller: AbortSignal | undefined, closing: AbortSignal): EitherSignal {
  if (caller === undefined) return { signal: closing, settle: () => {} };
  const own = new AbortController();
  const leave = (): void => own.abort(caller.reason);
  const close = (): void => own.abort(closing.reason);
  const settle = (): void => {
    caller.removeEventListener('abort', leave);
    closing.removeEventListener('abort', close);
  };
  caller.addEventListener('abort', leave, { once: true });
  closing.addEventListener('abort', close, { once: true });
  if (caller.aborted) leave();
  else if (closing.aborted) close();
  return { signal: own.signal, settle };
}

/** Lets go of both when the work is over. */
export async function withEither<T>(
  caller: AbortSignal | undefined,
  closing: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { signal, settle } = either(caller, closing);
  try {
    return await work(signal);
  } finally {
    settle();
  }
}

/** Lets go of both when the last part is read, or nobody reads on. */
export async function* eachWithEither<T>(
  caller: AbortSignal | undefined,
  closing: AbortSignal,
  work: (signal: AbortSignal) => AsyncIterable<T>,
): AsyncGenerator<T> {
  const { signal, settle } = either(caller, closing);
  try {
    yield* work(signal);
  } finally {
    settle();
  }
}
