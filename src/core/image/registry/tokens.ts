import { createHash } from 'node:crypto';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/errors.ts';
import type { RegistryCredentials } from '../../model/image-requests.ts';
import { connectionFailure } from './connection-failures.ts';
import type { Endpoint } from './endpoints.ts';
import { follow } from './redirects.ts';
import { refusal, type Subject } from './refusals.ts';
import { SharedFetch } from './shared-fetch.ts';
import type { Answer, Call, Transport } from './transport.ts';

export interface TokenTerms {
  realm: URL;
  service?: string;
  /** Absent: only who asks is of interest. */
  scope?: string;
  credentials?: RegistryCredentials;
  /** Also ask for a token that may be kept instead of the password. */
  offline?: boolean;
}

export interface Token {
  value: string;
  /** Monotonic milliseconds. */
  expires: number;
  refreshToken?: string;
}

const DEFAULT_LIFETIME = 60;
const LONGEST_ANSWER = 1024 * 1024;
const CLIENT = 'fsb-ctl';

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
    if (terms.offline) return this.#ask(terms, endpoint, subject, this.#until(signal));
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
      this.#ask(terms, endpoint, subject, this.#until(signal))
        .then((token) => {
          this.#tokens.set(key, token);
          return token;
        })
        .finally(() => this.#fetches.get(key) === fetch && this.#fetches.delete(key)),
    );
    this.#fetches.set(key, fetch);
    return fetch;
  }

  #until(signal?: AbortSignal): AbortSignal {
    return signal ? AbortSignal.any([signal, this.#closing]) : this.#closing;
  }

  #dropExpired(): void {
    const now = this.#clock.monotonic();
    for (const [key, { expires }] of this.#tokens) if (expires <= now) this.#tokens.delete(key);
  }

  async #ask(terms: TokenTerms, endpoint: Endpoint, subject: Subject, signal: AbortSignal): Promise<Token> {
    const { realm, credentials } = terms;
    assertEncrypted(realm, endpoint, subject);
    const start = this.#clock.monotonic();
    try {
      let answer = await this.#send(
        credentials?.identityToken ? post(terms) : get(terms),
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
        answer = await this.#send(post(terms), endpoint, subject.task, signal);
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
    const { proxyFor } = endpoint;
    const trust = home ? own : others;
    const call: Call = { ...request, lane: 'tokens', trust, proxyFor, signal };
    // A form has the secret in its body: it goes nowhere else.
    return request.method === 'POST'
      ? this.#transport.request(call)
      : follow(this.#transport, call, others, task);
  }
}

type TokenRequest = Pick<Call, 'url' | 'method' | 'headers' | 'body'>;

function get({ realm, service, scope, credentials, offline }: TokenTerms): TokenRequest {
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set('service', service);
  for (const one of scope?.split(' ') ?? []) url.searchParams.append('scope', one);
  if (offline) {
    url.searchParams.set('offline_token', 'true');
    url.searchParams.set('client_id', CLIENT);
  }
  const { username, password } = credentials ?? {};
  if (username === undefined || password === undefined) return { url, method: 'GET' };
  url.searchParams.set('account', username);
  return { url, method: 'GET', headers: { authorization: basicHeader(username, password) } };
}

function post({ realm, service, scope, credentials, offline }: TokenTerms): TokenRequest {
  const form = new URLSearchParams({ client_id: CLIENT });
  if (service !== undefined) form.set('service', service);
  if (scope !== undefined) form.set('scope', scope);
  if (offline) form.set('access_type', 'offline');
  if (credentials?.identityToken) {
    form.set('grant_type', 'refresh_token');
    form.set('refresh_token', credentials.identityToken);
  } else {
    form.set('grant_type', 'password');
    form.set('username', credentials?.username ?? '');
    form.set('password', credentials?.password ?? '');
  }
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { url: realm, method: 'POST', headers, body: form.toString() };
}

export const basicHeader = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

function assertEncrypted(realm: URL, endpoint: Endpoint, { registry }: Subject): void {
  if (realm.protocol === 'https:' || (realm.protocol === 'http:' && endpoint.insecure)) return;
  const message = `registry ${registry} wants a token from ${realm.protocol}//${realm.host}, which is not encrypted`;
  throw new FsbError('denied', message, {
    hint: `If that is meant so, write into ${endpoint.file}:\nregistries:\n  "${endpoint.name}": { insecure: true }`,
  });
}

async function readToken(
  answer: Answer,
  start: number,
  { registry }: Subject,
  offline?: boolean,
): Promise<Token> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > LONGEST_ANSWER) break;
    chunks.push(chunk);
  }
  const said = parseObject(Buffer.concat(chunks).toString());
  const value = said.token || said.access_token;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw new FsbError('unavailable', `${answer.url.host} gives no token for registry ${registry}`, {
      hint: 'It may not be a token server; whoever runs the registry has to look.',
    });
  const lifetime = Number(said.expires_in) > 0 ? Number(said.expires_in) : DEFAULT_LIFETIME;
  // A tenth early: it must still be good when it arrives.
  const expires = start + lifetime * 1000 * 0.9;
  const refreshToken = typeof said.refresh_token === 'string' ? said.refresh_token : '';
  return { value, expires, ...(offline && refreshToken !== '' && { refreshToken }) };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Two users never share a token. Only a hash of the secrets stays. */
function keyOf({ realm, service, scope, credentials, offline }: TokenTerms): string {
  const user = createHash('sha256')
    .update(JSON.stringify([credentials?.username, credentials?.password, credentials?.identityToken]))
    .digest('hex');
  return JSON.stringify([realm.href, service, scope, user, offline]);
}
