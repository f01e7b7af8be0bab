import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { type Answer, BrokenConnection } from './answer.ts';
import type { Authorizer } from './authorizer.ts';
import { connectionFailure, speaksPlainHttp } from './connection-failures.ts';
import type { Endpoint } from './endpoints.ts';
import { follow } from './redirects.ts';
import { loginHint, refusal, type Subject } from './refusals.ts';
import { Retryable } from './retry.ts';
import type { Lane, Transport } from './transport.ts';

export interface ConnectionTerms {
  transport: Transport;
  clock: Clock;
  endpoint: Endpoint;
  authorizer: Authorizer;
  /** As the user named it. */
  registry: string;
  /** Instead of the usual one. */
  loginHint?: string;
}

export interface Question {
  /** Default GET. */
  method?: 'GET' | 'HEAD';
  /** `/v2/team/tool/manifests/latest` */
  path: string;
  /** For errors: `read docker.io/team/tool:latest`. */
  task: string;
  headers?: Record<string, string>;
  lane: Lane;
  signal?: AbortSignal;
}

// The first 401 says how to ask; a second one may mean that a token of before is not good any more.
const MOST_REFUSALS = 2;

/** Questions to one server, with what it has to know of the user. */
export class Connection {
  readonly endpoint: Endpoint;
  readonly #terms: ConnectionTerms;
  /** The one of `endpoint.bases` that answers. */
  #base?: URL;

  constructor(terms: ConnectionTerms) {
    this.endpoint = terms.endpoint;
    this.#terms = terms;
  }

  /**
   * One attempt.
   * @returns an answer of which `accept` is content
   * @throws FsbError, or Retryable
   */
  async ask(question: Question, accept: (answer: Answer) => boolean): Promise<Answer> {
    const subject = this.#subjectOf(question.task);
    for (let refusals = 0; ; refusals += 1) {
      const { answer, home, sent } = await this.#send(question, subject);
      if (accept(answer)) return answer;
      const challenge = String(answer.headers['www-authenticate'] ?? '');
      const mayAskAgain = answer.status === 401 && home && refusals < MOST_REFUSALS;
      if (!mayAskAgain || !this.#terms.authorizer.refused(challenge, sent))
        throw await this.#refusal(answer, subject, home);
      answer.discard();
    }
  }

  /** What to throw when an answer has broken off. */
  failure(thrown: unknown, task: string): unknown {
    return connectionFailure(thrown, task, this.endpoint);
  }

  #subjectOf(task: string): Subject {
    const { authorizer, registry } = this.#terms;
    const { loggedIn, secrets } = authorizer;
    const hint = this.#terms.loginHint ?? loginHint(registry, loggedIn);
    return { task, registry, loggedIn, secrets, loginHint: hint };
  }

  async #refusal(answer: Answer, subject: Subject, home: boolean): Promise<Error> {
    const error = await refusal(answer, subject, this.#terms.clock.now());
    // Where a registry sends readers to, refusals are about the address that it gave: the next one may be good.
    const outdated = !home && !(error instanceof Retryable) && [400, 401, 403].includes(answer.status);
    if (!outdated) return error;
    return new Retryable(new FsbError('unavailable', error.message));
  }

  /** `home`: the registry itself answers, not somebody it redirected to. */
  async #send(
    question: Question,
    subject: Subject,
  ): Promise<{ answer: Answer; home: boolean; sent: string | undefined }> {
    const failures: unknown[] = [];
    let mayWantTls = false;
    for (const base of this.#base ? [this.#base] : this.endpoint.bases) {
      let sent: string | undefined;
      const authorization = async (): Promise<string | undefined> => {
        sent = await this.#terms.authorizer.header(base, subject, question.signal);
        return sent;
      };
      try {
        const answer = await this.#sendTo(base, question, authorization);
        if (!(mayWantTls && answer.status === 400)) {
          this.#base = base;
          return { answer, home: answer.url.origin === base.origin, sent };
        }
        answer.discard();
      } catch (thrown) {
        const answered = this.#base !== undefined;
        const failure = connectionFailure(thrown, subject.task, this.endpoint, answered);
        if (!(thrown instanceof BrokenConnection && thrown.url.origin === base.origin)) throw failure;
        // TLS failed for another reason, maybe just now: a server that wants it answers 400 to plain http.
        mayWantTls = !speaksPlainHttp(thrown);
        // What plain http meets says more than that there is no TLS.
        if (mayWantTls || base === this.endpoint.bases.at(-1)) failures.push(failure);
      }
    }
    throw failures.find((failure) => failure instanceof Retryable) ?? failures[0];
  }

  #sendTo(
    base: URL,
    { method, path, task, headers, lane, signal }: Question,
    authorization: () => Promise<string | undefined>,
  ): Promise<Answer> {
    const { transport, endpoint } = this.#terms;
    const call = {
      url: new URL(path, base),
      method,
      headers: { ...headers, ...HEADERS },
      authorization,
      lane,
      linkLocal: endpoint.linkLocal,
      outside: endpoint.outside,
      trust: endpoint.trust.own,
      proxyFor: endpoint.proxyFor,
      signal,
    };
    return follow(transport, call, endpoint.trust.others, task);
  }
}

// Bytes as they are: their digest is of what is stored, not of what a server makes of it on the way.
const HEADERS = { 'accept-encoding': 'identity', 'user-agent': 'fsb-ctl' };
