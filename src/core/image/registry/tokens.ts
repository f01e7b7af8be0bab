import { createHash } from 'node:crypto';
import { withEither } from '../../model/async/either-signal.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { Answer } from './answer.ts';
import { connectionFailure } from './connection-failures.ts';
import type { Endpoint } from './endpoints.ts';
import { mayBeLinkLocal } from './link-local.ts';
import { follow } from './redirects.ts';
import { refusal, type Subject } from './refusals.ts';
import { SharedFetch } from './shared-fetch.ts';
import { readToken, type Token } from './token-answer.ts';
import { type TokenRequest, type TokenTerms, tokenForm, tokenQuery } from './token-request.ts';
import type { Call, Transport } from './transport.ts';

/** Tokens that token servers gave, for as long as they are good; whoever wants the same at the same time shares one. */
export class Tokens {
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #closing: AbortSignal;
  readonly #tokens = new Map<string, Token>();
  readonly #fetches = new Map<string, SharedFetch<Token>>();

  constructor(transport: Transport, clock: Clock, closing: AbortSignal) {
    this.#transport = transport;
    this.#clock = clock;
    this.#closing = closing;
  }

  /** @throws unauthenticated, denied, unavailable; Retryable */
  async get(terms: TokenTerms, endpoint: Endpoint, subject: Subject, signal?: AbortSignal): Promise<Token> {
    // A login asks whether the password is good now, and what it gets for it stays nowhere here.
    if (terms.offline) return this.#askUntilClosing(terms, endpoint, subject, signal);
    const key = keyOf(terms);
    this.#dropExpired();
    const known = this.#tokens.get(key);
    if (known) return known;
    return this.#fetchOf(key, terms, endpoint, subject).join(signal);
  }

  /** The registry does not believe it any more. Waits for nothing: whoever tells it may hold what a fetch waits for. */
  forget(terms: TokenTerms, value: string): void {
    const key = keyOf(terms);
    if (this.#tokens.get(key)?.value === value) this.#tokens.delete(key);
  }

  #fetchOf(key: string, terms: TokenTerms, endpoint: Endpoint, subject: Subject): SharedFetch<Token> {
    const known = this.#fetches.get(key);
    if (known && !known.abandoned) return known;
    const fetch: SharedFetch<Token> = new SharedFetch((signal) =>
      this.#askUntilClosing(terms, endpoint, subject, signal)
        .then((token) => {
          this.#tokens.set(key, token);
          return token;
        })
        .finally(() => this.#fetches.get(key) === fetch && this.#fetches.delete(key)),
    );
    this.#fetches.set(key, fetch);
    return fetch;
  }

  #dropExpired(): void {
    const now = this.#clock.monotonic();
    for (const [key, { expires }] of this.#tokens) if (expires <= now) this.#tokens.delete(key);
  }

  #askUntilClosing(
    terms: TokenTerms,
    endpoint: Endpoint,
    subject: Subject,
    signal?: AbortSignal,
  ): Promise<Token> {
    return withEither(signal, this.#closing, (until) => this.#ask(terms, endpoint, subject, until));
  }

  async #ask(terms: TokenTerms, endpoint: Endpoint, subject: Subject, signal: AbortSignal): Promise<Token> {
    const { realm, credentials } = terms;
    assertEncrypted(realm, endpoint, subject);
    const start = this.#clock.monotonic();
    try {
      let answer = await this.#send(
        credentials?.identityToken ? tokenForm(terms) : tokenQuery(terms),
        endpoint,
        subject.task,
        signal,
      );
      if (
        (answer.status === 404 || answer.status === 405) &&
        credentials?.password &&
        !credentials.identityToken
      ) {
        answer.discard();
        answer = await this.#send(tokenForm(terms), endpoint, subject.task, signal);
      }
      if (answer.status !== 200) throw await this.#refusal(answer, subject);
      return await readToken(answer, start, subject, terms.offline);
    } catch (error) {
      throw connectionFailure(error, subject.task, endpoint);
    }
  }

  async #refusal(answer: Answer, subject: Subject): Promise<Error> {
    // 400 is what OAuth servers say to a token that has ended; 404 is not about the image.
    const { status } = answer;
    const as = status === 400 && subject.loggedIn ? 401 : status === 404 ? 501 : status;
    return refusal(answer, subject, this.#clock.now(), as);
  }

  #send(request: TokenRequest, endpoint: Endpoint, task: string, signal: AbortSignal): Promise<Answer> {
    const { own, others } = endpoint.trust;
    const home = endpoint.bases.some((base) => base.origin === request.url.origin);
    const { proxyFor, outside } = endpoint;
    const trust = home ? own : others;
    const linkLocal = endpoint.bases.some(({ hostname }) => mayBeLinkLocal(hostname, request.url.hostname));
    const call: Call = { ...request, lane: 'tokens', linkLocal, outside, trust, proxyFor, signal };
    // A form has the secret in its body: it goes nowhere else.
    return request.method === 'POST'
      ? this.#transport.request(call)
      : follow(this.#transport, call, others, task);
  }
}

function assertEncrypted(realm: URL, endpoint: Endpoint, { registry }: Subject): void {
  if (realm.protocol === 'https:' || (realm.protocol === 'http:' && endpoint.insecure)) return;
  const message = `registry ${registry} wants a token from ${realm.protocol}//${realm.host}, which is not encrypted`;
  throw new FsbError('denied', message, {
    hint: `If that is meant so, write into ${endpoint.file}:\nregistries:\n  "${endpoint.name}": { insecure: true }`,
  });
}

/** Two users never share a token. Only a hash of the secrets stays. */
function keyOf({ realm, service, scope, credentials, offline }: TokenTerms): string {
  const user = createHash('sha256')
    .update(JSON.stringify([credentials?.username, credentials?.password, credentials?.identityToken]))
    .digest('hex');
  return JSON.stringify([realm.href, service, scope, user, offline]);
}
