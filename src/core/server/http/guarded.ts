import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Clock } from '../../model/clock.ts';
import type { Door } from '../door.ts';
import { assertNoForeignPage } from './foreign-page.ts';
import { sendError } from './respond.ts';

/** Milliseconds for a stranger to take an answer. */
const STRANGER_TIME = 30_000;

interface Asked {
  door: Door;
  /** Aborted when the client left, or is not known any more. */
  gone: AbortController;
  /** To be called when it is known who asks: they may take their time. */
  admitted: () => void;
}

export type Handle = (request: IncomingMessage, response: ServerResponse, asked: Asked) => Promise<void>;

/**
 * A listener from a handler: foreign pages are refused, a client that left cancels, an error is answered as JSON. Who does not
 * take an answer that everybody gets is cut off.
 */
export function guarded(door: Door, handle: Handle, clock: Clock): RequestListener {
  return (request, response) => {
    const gone = new AbortController();
    const admitted = clock.after(STRANGER_TIME, () => response.destroy());
    response.once('close', () => {
      admitted();
      gone.abort();
    });
    const answer = async (): Promise<void> => {
      assertNoForeignPage(request, door);
      await handle(request, response, { gone, door, admitted });
    };
    answer().catch((error: unknown) => sendError(response, error));
  };
}
