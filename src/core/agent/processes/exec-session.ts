import type { GuestProcess } from '../../guest/guest-channel.ts';
import { Latch } from '../../model/async/latch.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import type { ExitStatus, OutputChunk, ProcessSession } from '../../model/process.ts';

const END: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * An exec as its caller holds it. When the caller lets go, the process runs on: its input ends, its output is read and
 * dropped, so that it is not held back, and its exit is acknowledged, as nobody asks for it later.
 *
 * @param exited what the caller is told of its end
 * @param recorded when it is on record that the instance is in use. Until then the guest must go on to know the process:
 * that is how a next core sees that the instance is not fresh. Nobody else waits for it.
 */
export function execSession(
  process: GuestProcess,
  exited: Promise<ExitStatus>,
  recorded?: Promise<void>,
): ProcessSession {
  const source = process.output[Symbol.asyncIterator]();
  const closed = new Latch();
  let reading: Promise<IteratorResult<OutputChunk>> | undefined;
  const next = async (): Promise<IteratorResult<OutputChunk>> => {
    // Only one may wait for the output: a late question would take the place of the drain, and end it.
    if (closed.isOpen) return END;
    reading = source.next();
    return closed.first(reading, () => END);
  };
  const drain = async (): Promise<void> => {
    try {
      await reading;
      while (!(await source.next()).done);
    } catch {
      // The channel is lost: there is nothing left to drain.
    }
  };
  let hasEnded = false;
  const close = async (): Promise<void> => {
    if (closed.isOpen) return;
    closed.open();
    process.endInput();
    if (!hasEnded) failpoint('exec.left');
    void drain();
  };
  process.exited
    .finally(() => {
      hasEnded = true;
    })
    .then(() => recorded)
    .then(
      () => process.acknowledgeExit(),
      () => {},
    );
  return {
    output: {
      [Symbol.asyncIterator]: () => ({
        next,
        async return() {
          await close();
          return END;
        },
      }),
    },
    exited,
    write: (data) => process.write(data),
    endInput: () => process.endInput(),
    resize: (size) => process.resize(size),
    signal: (signal) => process.signal(signal),
    close,
    [Symbol.asyncDispose]: close,
  };
}
