import { afterReading, type Clock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';

/**
 * The work's own result, or `timeout` when it is not there in time. The work itself goes on: whoever calls must not
 * depend on its end, and a late failure of it is nobody's surprise.
 */
export function withDeadline<T>(clock: Clock, ms: number, what: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = afterReading(clock, ms, () =>
      reject(new FsbError('timeout', `${what} took longer than ${ms} ms`)),
    );
    work.then(resolve, reject).finally(cancel);
  });
}
