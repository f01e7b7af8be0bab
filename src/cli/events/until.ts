import type { EventStream } from '../../core/api/pool-api.ts';
import type { Clock } from '../../core/model/clock.ts';
import type { CoreEvent, EventQuery } from '../../core/model/event.ts';

export interface UntilTerms {
  /** Milliseconds since the epoch; undefined: no end. */
  until: number | undefined;
  follow: boolean;
  signal: AbortSignal;
  clock: Clock;
}

/** Events up to a moment, which may be over already or is waited for. @throws as the stream, but not for that end */
export async function* untilMoment(
  events: EventStream,
  query: EventQuery,
  { until, follow, signal, clock }: UntilTerms,
): AsyncGenerator<CoreEvent> {
  if (until === undefined) return yield* events({ ...query, follow }, { signal });
  const isOver = until <= clock.now();
  const end = new AbortController();
  const cancel = isOver ? () => {} : clock.after(until - clock.now(), () => end.abort());
  try {
    const either = AbortSignal.any([signal, end.signal]);
    for await (const event of events({ ...query, follow: follow && !isOver }, { signal: either })) {
      if (event.time > until) return;
      yield event;
    }
  } catch (error) {
    if (signal.aborted || !end.signal.aborted) throw error;
  } finally {
    cancel();
  }
}
