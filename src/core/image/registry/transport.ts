import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Logger } from 'pino';
import { Turns } from '../../model/async/turns.ts';
import { afterReading, type Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { Agents } from './agents.ts';
import { type Answer, answerOf, broken, LONGEST_SILENCE, silence } from './answer.ts';
import type { Trust } from './certificates.ts';
import { forbidden, lookupWithin, type Reach } from './link-local.ts';
import { type ProxyChoice, proxyName } from './proxies.ts';

export interface Call extends Reach {
  url: URL;
  method?: 'GET' | 'HEAD' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  /** The Authorization header, made when the request goes: whoever waits for a place has no token that ends meanwhile. */
  authorization?: () => Promise<string | undefined>;
  /** Each has places of its own: what layers wait for must not wait for layers. */
  lane: Lane;
  trust: Trust;
  proxyFor: ProxyChoice;
  signal?: AbortSignal;
}

export type Lane = 'tokens' | 'documents' | 'layers';

/** The proxy's own no; it is not about the server behind it. */
export class ProxyRefusal extends Error {}

const MOST_CONNECTIONS = 8;

/**
 * Single requests, at most eight at a time to one host and lane. A request fails when nothing comes for half a minute, and
 * when what comes is too slow (Pace).
 */
export class Transport {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #agents = new Agents();
  readonly #turns = new Turns(MOST_CONNECTIONS);

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** @throws BrokenConnection; the signal's reason */
  async request(call: Call): Promise<Answer> {
    const leave = await this.#turns.enter(`${call.lane} ${call.url.host}`, call.signal);
    try {
      const authorization = await call.authorization?.();
      const response = await this.#send(call, authorization === undefined ? {} : { authorization });
      response.once('close', leave);
      return this.#answer(response, call);
    } catch (error) {
      leave();
      throw error;
    }
  }

  close(): void {
    this.#agents.close();
  }

  async #send(call: Call, authorization: Record<string, string>): Promise<IncomingMessage> {
    // Addresses are not looked up.
    const refused = forbidden(call.url.hostname, call);
    if (refused !== undefined) throw broken(call.url, refused);
    for (;;) {
      const request = this.#start(call, authorization);
      try {
        return await this.#response(request, call);
      } catch (error) {
        if (!isStale(request, error)) throw broken(call.url, error);
      }
    }
  }

  #start(
    { url, method = 'GET', headers, body, linkLocal, outside, trust, proxyFor }: Call,
    authorization: Record<string, string>,
  ): ClientRequest {
    const proxy = proxyFor(url);
    const options = {
      method,
      headers: { ...headers, ...authorization },
      agent: this.#agents.agentFor(url, trust, proxy, { linkLocal, outside }),
      ...((outside || !linkLocal) && { lookup: lookupWithin({ linkLocal, outside }) }),
    };
    const tls = { secureContext: trust.context, rejectUnauthorized: trust.verify };
    const request =
      url.protocol === 'https:' ? httpsRequest(url, { ...options, ...tls }) : httpRequest(url, options);
    request.on('proxyConnect', ({ statusCode }: { statusCode: number }) => {
      if (statusCode !== 200)
        request.destroy(new ProxyRefusal(`the proxy ${proxyName(proxy!)} answers ${statusCode}`));
    });
    request.end(body);
    return request;
  }

  #response(request: ClientRequest, { url, proxyFor, signal }: Call): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const endOf = (settle: () => void): void => {
        stopWaiting();
        signal?.removeEventListener('abort', aborted);
        settle();
      };
      const aborted = (): void => void request.destroy(FsbError.from(signal?.reason));
      const stopWaiting = afterReading(this.#clock, LONGEST_SILENCE, () => request.destroy(silence()));
      // It stays: an error after the answer has begun is told by the answer too.
      request.on('error', (error) => endOf(() => reject(error)));
      request.on('response', (response) => {
        response.on('error', () => undefined);
        const proxy = response.statusCode === 407 ? proxyFor(url) : undefined;
        if (!proxy) return endOf(() => resolve(response));
        response.destroy();
        endOf(() => reject(new ProxyRefusal(`the proxy ${proxyName(proxy)} answers 407`)));
      });
      if (signal?.aborted) aborted();
      else signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  #answer(response: IncomingMessage, { url, method = 'GET', lane, signal }: Call): Answer {
    // Queries of redirected addresses are signatures.
    const { statusCode: status } = response;
    this.#log.debug({ method, host: url.host, path: url.pathname, status }, 'registry answered');
    return answerOf(response, { url, isLayer: lane === 'layers', clock: this.#clock, signal });
  }
}

/** The server had closed a connection that was kept open: that says nothing of the request. */
const isStale = (request: ClientRequest, error: unknown): boolean =>
  request.reusedSocket && /^(ECONNRESET|EPIPE)$/.test((error as NodeJS.ErrnoException).code ?? '');
