import type { ProcessSession } from './process.ts';

/** A session that is let go of in another way. Member by member: that of a remote agent is an instance of a class. */
export function withClose(session: ProcessSession, close: () => Promise<void>): ProcessSession {
  return {
    output: session.output,
    exited: session.exited,
    ...(session.place && { place: session.place }),
    write: (data) => session.write(data),
    endInput: () => session.endInput(),
    resize: (size) => session.resize(size),
    signal: (signal) => session.signal(signal),
    close,
    [Symbol.asyncDispose]: close,
  };
}
