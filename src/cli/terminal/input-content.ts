import { eachAbortable } from '../../core/model/async/abortable.ts';
import { assertReadable } from './readable-input.ts';
import type { TerminalInput } from './world.ts';

/**
 * Standard input as bytes. Ends with the signal's reason, though nobody else may ever end what we wait for.
 * @throws invalid_argument at once when it is a directory
 */
export function inputContent(stdin: TerminalInput, signal: AbortSignal): AsyncGenerator<Buffer> {
  assertReadable(stdin);
  return contentOf(stdin, signal);
}

async function* contentOf(stdin: TerminalInput, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of eachAbortable(stdin, signal)) yield Buffer.from(chunk as Uint8Array);
}
