import { setTimeout as delay } from 'node:timers/promises';
import type { CallOptions } from '../../api/sandbox-api.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import type { LogEntry, LogQuery } from '../../model/logs.ts';
import type { LogPlace } from '../../wire/stream/log-frame.ts';
import { type FrameSocket, RESUME_PAUSES, type SocketEvents } from './frame-socket.ts';
import { LogReader } from './log-reader.ts';

/** Opens a connection that tells the log. @throws as openSocket */
export type OpenLog = (
  query: LogQuery,
  events: SocketEvents,
  signal?: AbortSignal,
) => Promise<FrameSocket & AsyncDisposable>;

interface LogSource {
  open: OpenLog;
  /** Looks where the next core listens. */
  lookAgain: (signal?: AbortSignal) => Promise<void>;
}

/** A log, which is taken up again when its connection breaks. */
export async function* readLog(
  { open, lookAgain }: LogSource,
  query: LogQuery,
  { signal }: CallOptions,
): AsyncGenerator<LogEntry> {
  let wanted = query;
  let failures = 0;
  let everOpened = false;
  const hears: Hears = {
    opened: () => {
      everOpened = true;
    },
    begins: (place) => {
      failures = 0;
      wanted = { ...wanted, tail: undefined, ...place };
    },
  };
  for (;;) {
    try {
      for await (const entry of readOnce(open, wanted, hears, signal)) {
        failures = 0;
        wanted = { ...wanted, afterSeq: entry.seq };
        yield entry;
      }
      return;
    } catch (thrown) {
      const error = FsbError.from(thrown);
      const pause = RESUME_PAUSES[failures];
      if (error.code !== 'unavailable' || !everOpened || pause === undefined) throw error;
      failures += 1;
      // A timer that keeps the process alive: nothing else does while there is no connection.
      await delay(pause, undefined, { signal }).catch(() => throwIfAborted(signal));
      await lookAgain(signal);
    }
  }
}

interface Hears {
  opened: () => void;
  begins: (place: LogPlace) => void;
}

/**
 * What comes over one connection. A function of its own: the bundler mistakes the error of one round of a loop for that of
 * every later one where the loop has an `await using`.
 */
async function* readOnce(
  open: OpenLog,
  query: LogQuery,
  { opened, begins }: Hears,
  signal?: AbortSignal,
): AsyncGenerator<LogEntry> {
  const reader = new LogReader(begins);
  await using socket = await open(query, reader, signal);
  opened();
  reader.use(socket);
  yield* reader.entries(signal);
}
