import { untilAborted } from '../until-aborted.ts';
import type { TerminalInput } from '../world.ts';

/** Standard input as bytes. Ends with the signal's reason, though nobody else may ever end what we wait for. */
export async function* inputContent(stdin: TerminalInput, signal: AbortSignal): AsyncGenerator<Buffer> {
  const chunks = stdin[Symbol.asyncIterator]();
  for (;;) {
    const next = await untilAborted(Promise.resolve(chunks.next()), signal);
    if (next.done) return;
    yield Buffer.from(next.value as Uint8Array);
  }
}
