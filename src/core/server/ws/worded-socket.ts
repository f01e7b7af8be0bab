import { WebSocket } from 'ws';
import { formatSize } from '../../model/quantity.ts';
import { closeCodes } from '../../wire/stream/close-codes.ts';
import { LONGEST_INPUT_FRAME } from '../../wire/stream/frames.ts';

/** Parts of one message: each takes much more than its bytes. */
export const MOST_FRAGMENTS = 1024;

/** Why the library closes by itself. */
const words: Record<number, string> = {
  [closeCodes.protocol]: 'what came is no frame of the WebSocket protocol',
  [closeCodes.noText]: 'text that is not UTF-8',
  [closeCodes.tooManyParts]: `a message in more than ${MOST_FRAGMENTS} parts`,
  [closeCodes.tooLong]: `a message is longer than ${formatSize(LONGEST_INPUT_FRAME)}: send it in pieces`,
};

/** The library closes with a code alone, which clients of Kubernetes show to nobody. */
export class WordedSocket extends WebSocket {
  override close(code?: number, reason: string | Buffer | undefined = words[code ?? 0]): void {
    super.close(code, reason);
  }
}
