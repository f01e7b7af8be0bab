import type { OutputChunk, ProcessSession } from '../../model/process.ts';

export interface SessionWatcher {
  /** Once: its output was delivered and it has ended (`done`), or its caller has let go before (`left`). */
  over: (how: 'done' | 'left') => void;
  /** Why it was ended, for its caller, who would only hear that the instance is gone. Undefined: as the error says. */
  why?: (error: Error) => Error | undefined;
}

/** A session whose caller is watched: the owner of its instance hears when nobody needs it any more. */
export function watchedSession(session: ProcessSession, { over, why }: SessionWatcher): ProcessSession {
  let isOver = false;
  const left = new Set(['output', 'exit']);
  const end = (how: 'done' | 'left'): void => {
    if (!isOver) over(how);
    isOver = true;
  };
  const settled = (part: 'output' | 'exit'): void => {
    left.delete(part);
    if (left.size === 0) end('done');
  };
  const explained = (error: unknown): never => {
    throw why?.(error as Error) ?? error;
  };
  const close = async (): Promise<void> => {
    await session.close();
    end('left');
  };
  const exited = session.exited.catch(explained);
  exited.then(
    () => settled('exit'),
    () => settled('exit'),
  );
  const delivering = (source: AsyncIterator<OutputChunk>): AsyncIterator<OutputChunk> => ({
    async next() {
      try {
        const result = await source.next();
        if (result.done) settled('output');
        return result;
      } catch (error) {
        settled('output');
        return explained(error);
      }
    },
    async return() {
      await close();
      return { done: true, value: undefined };
    },
  });
  return {
    ...session,
    exited,
    output: { [Symbol.asyncIterator]: () => delivering(session.output[Symbol.asyncIterator]()) },
    close,
    [Symbol.asyncDispose]: close,
  };
}
