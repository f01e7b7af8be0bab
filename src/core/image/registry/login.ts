import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { Authorizer } from './authorizer.ts';
import type { Connection } from './connection.ts';
import { retrying } from './retry.ts';

export interface LoginTerms {
  connection: Connection;
  authorizer: Authorizer;
  registry: string;
  clock: Clock;
  random: () => number;
  signal: AbortSignal;
}

const MOST_ATTEMPTS = 3;

/** Asks a registry whether it knows the user. @throws unauthenticated, denied, unavailable */
export async function logIn(terms: LoginTerms): Promise<{ identityToken?: string }> {
  const { connection, authorizer, registry, clock, random, signal } = terms;
  await retrying({ clock, random, signal, limit: MOST_ATTEMPTS }, async () => {
    const question = { path: '/v2/', task: `log in to ${registry}`, lane: 'documents' as const, signal };
    const answer = await connection.ask(question, ({ status }) => status === 200 || status === 404);
    answer.discard();
    if (answer.status === 404)
      throw new FsbError('unavailable', `cannot log in to ${registry}: ${answer.url.host} is no registry`);
  });
  const { refreshToken } = authorizer;
  return refreshToken === undefined ? {} : { identityToken: refreshToken };
}
