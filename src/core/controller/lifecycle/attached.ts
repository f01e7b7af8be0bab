import type { ProcessSession } from '../../model/process.ts';
import { withClose } from '../../model/with-close.ts';
import type { SandboxEntry } from '../records/sandbox-entry.ts';

/** A session whose caller counts as a reader of the sandbox, from the call on until the session is closed. */
export async function attachTo(
  entry: SandboxEntry,
  attach: () => Promise<ProcessSession>,
): Promise<ProcessSession> {
  const leave = entry.read();
  try {
    const session = await attach();
    return withClose(session, () => session.close().finally(leave));
  } catch (error) {
    leave();
    throw error;
  }
}
