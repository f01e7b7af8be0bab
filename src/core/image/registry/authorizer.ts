import { FsbError } from '../../model/failure/errors.ts';
import type { RegistryCredentials } from '../../model/image/image-requests.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import type { Endpoint } from './endpoints.ts';
import type { Subject } from './refusals.ts';
import type { Token } from './token-answer.ts';
import { basicHeader, type TokenTerms } from './token-request.ts';
import type { Tokens } from './tokens.ts';

/** Knows how one server wants to be told who asks, once it has said so. */
export class Authorizer {
  readonly #endpoint: Endpoint;
  readonly #credentials?: RegistryCredentials;
  readonly #tokens: Tokens;
  readonly #scope?: string;
  readonly #offline: boolean;
  #way?: { basic: string } | { bearer: TokenTerms };
  #last?: Token;

  /** @param scope what to ask for when the server does not say: `repository:team/tool:pull` */
  constructor(
    endpoint: Endpoint,
    tokens: Tokens,
    options: { credentials?: RegistryCredentials; scope?: string; offline?: boolean },
  ) {
    this.#endpoint = endpoint;
    this.#tokens = tokens;
    this.#credentials = endpoint.mirror ? undefined : options.credentials;
    this.#scope = options.scope;
    this.#offline = options.offline ?? false;
  }

  get secrets(): string[] {
    const { password, identityToken, registryToken } = this.#credentials ?? {};
    return [password, identityToken, registryToken].filter((secret) => secret !== undefined);
  }

  /** The server knows who asks. */
  get loggedIn(): boolean {
    const { username, identityToken, registryToken } = this.#credentials ?? {};
    return Boolean(username || identityToken || registryToken);
  }

  /** Of the last token, where the server gave one. */
  get refreshToken(): string | undefined {
    return this.#last?.refreshToken;
  }

  /** What to send; nothing before the server has said what it wants. @throws as Tokens.get */
  async header(url: URL, subject: Subject, signal?: AbortSignal): Promise<string | undefined> {
    const { registryToken } = this.#credentials ?? {};
    const way = this.#way;
    if (registryToken) return this.#safely(url, `Bearer ${registryToken}`);
    if (way === undefined) return undefined;
    if ('basic' in way) return this.#safely(url, way.basic);
    this.#last = await this.#tokens.get(way.bearer, this.#endpoint, subject, signal);
    return `Bearer ${this.#last.value}`;
  }

  /**
   * Understands a 401.
   * @param sent the header that was refused
   * @returns whether another try makes sense
   */
  refused(wwwAuthenticate: string, sent: string | undefined): boolean {
    if (this.#credentials?.registryToken) return false;
    const challenges = parseChallenges(wwwAuthenticate);
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer');
    const terms = bearer && this.#termsOf(bearer);
    if (terms) {
      if (sent?.startsWith('Bearer ') && bearer.parameters.error === 'insufficient_scope') return false;
      if (sent?.startsWith('Bearer ')) this.#tokens.forget(terms, sent.slice('Bearer '.length));
      this.#way = { bearer: terms };
      return true;
    }
    const { username, password } = this.#credentials ?? {};
    if (!challenges.some(({ scheme }) => scheme === 'basic') || sent?.startsWith('Basic ')) return false;
    if (username === undefined || password === undefined) return false;
    this.#way = { basic: basicHeader(username, password) };
    return true;
  }

  #termsOf({ parameters }: Challenge): TokenTerms | undefined {
    const realm = urlOf(parameters.realm);
    if (!realm) return undefined;
    const scope = parameters.scope || this.#scope;
    return {
      realm,
      service: parameters.service,
      scope,
      credentials: this.#credentials,
      ...(this.#offline && { offline: true }),
    };
  }

  /** The last look before a secret leaves: whatever led here, it is not sent in the clear. */
  #safely(url: URL, header: string): string {
    if (url.protocol === 'https:' || this.#endpoint.insecure) return header;
    throw new FsbError('internal', `credentials for ${url.host} would be sent without encryption`);
  }
}

function urlOf(text: string | undefined): URL | undefined {
  try {
    return new URL(text ?? '');
  } catch {
    return undefined;
  }
}
