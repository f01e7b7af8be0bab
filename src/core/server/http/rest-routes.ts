import { either } from '../../model/async/either-signal.ts';
import type { Clock } from '../../model/clock.ts';
import type { UnreadAnswers } from '../auth/unread-answers.ts';
import type { BodyRoom } from '../body-room.ts';
import { messageLength } from '../grpc/message-length.ts';
import { deadlineOf } from './deadline.ts';
import { RequestBody } from './request-body.ts';
import type { Route } from './router.ts';

export interface RestTerms {
  clock: Clock;
  bodies: BodyRoom;
  answers: UnreadAnswers;
  /** Aborted when the core goes away: ends what waits. */
  closing: AbortSignal;
}

/** The REST API and its OpenAPI document. */
export function restRoutes({ clock, bodies, answers, closing }: RestTerms): Route {
  let loading: Promise<typeof import('./rest/answer.ts')> | undefined;
  return async (request, response, url, gone, { core, caller }) => {
    if (!url.pathname.startsWith('/api/v1/') && url.pathname !== '/openapi.json') return false;
    // Loaded late: most cores are never asked this way, and building the schemas takes long. Once: what is loaded is here at once.
    loading ??= import('./rest/answer.ts');
    const { answerRest } = await loading;
    const deadline = deadlineOf(request.headers['grpc-timeout']?.toString(), gone, clock);
    const { signal, settle } = either(deadline.signal, closing);
    const body = new RequestBody(request, { clock, room: bodies, caller, signal });
    const assertRoom = (value: unknown): void => answers.assertRoom(caller, messageLength(value));
    try {
      return await answerRest({ core, clock, request, response, url, body, assertRoom, signal });
    } finally {
      settle();
      deadline.clear();
      body.release();
    }
  };
}
