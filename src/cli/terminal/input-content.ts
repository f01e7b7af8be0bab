import { eachAbortable } from '../../core/model/async/abortable.ts';
import type { TerminalInput } from './world.ts';

/** Standard input as bytes. Ends with the signal's reason, though nobody else may ever end what we wait for. */
export async function* inputContent(stdin: TerminalInput, signal: AbortSignal): AsyncGenerator<Buffer> {
  for await (const chunk of eachAbortable(stdin, signal)) yield Buffer.from(chunk as Uint8Array);
}
