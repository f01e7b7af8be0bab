import type { ProcessSession } from '../../model/process.ts';
import type { SandboxEntry } from '../records/sandbox-entry.ts';

/** A session whose caller counts as a reader of the sandbox, from the call on until the session is closed. */
export async function attachTo(
  entry: SandboxEntry,
  attach: () => Promise<ProcessSession>,
): Promise<ProcessSession> {
  const leave = entry.read();
  try {
    return closing(await attach(), leave);
  } catch (error) {
    leave();
    throw error;
  }
}

/** Member by member: that of a remote agent is an instance of a class. */
function closing(session: ProcessSession, closed: () => void): ProcessSession {
  const close = (): Promise<void> => session.close().finally(closed);
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
