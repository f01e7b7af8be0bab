import {
  type ClientRequest,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Logger } from 'pino';
import { afterReading, type Clock } from '../../model/clock.ts';
import { FsbError, throwIfAborted } from '../../model/errors.ts';
import { Agents } from './agents.ts';
import type { Trust } from './certificates.ts';
import { Limits } from './limits.ts';
import { type ProxyChoice, proxyName } from './proxies.ts';

export interface Call {
  url: URL;
  method?: 'GET' | 'POST';
  headers?: Record<string, string>;
  body?: string;
  trust: Trust;
  proxyFor: ProxyChoice;
  signal?: AbortSignal;
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Where it came from, after redirects. */
  url: URL;
  /** To be read once, or discarded. @throws BrokenConnection; the signal's reason */
  body: AsyncIterable<Buffer>;
  /** Ends an answer that nobody reads, or not to its end. Idempotent. */
  discard(): void;
}

/** No answer came from this address, or not all of it; `cause` says why. */
export class BrokenConnection extends Error {
  readonly url: URL;

  constructor(url: URL, cause: unknown) {
    super('broken connection', { cause });
    this.url = url;
  }
}

/** The proxy's own no; it is not about the server behind it. */
export class ProxyRefusal extends Error {}

const MOST_CONNECTIONS = 8;
const LONGEST_SILENCE = 30_000;

/** Single requests, at most eight at a time to one host. A request fails when nothing comes for half a minute. */
export class Transport {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #agents = new Agents();
  readonly #limits = new Limits(MOST_CONNECTIONS);

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** @throws BrokenConnection; the signal's reason */
  async request(call: Call): Promise<Answer> {
    const leave = await this.#limits.enter(call.url.host, call.signal);
    try {
      for (;;) {
        const request = this.#start(call);
        try {
          const response = await this.#response(request, call);
          response.once('close', leave);
          return this.#answer(response, call);
        } catch (error) {
          if (!isStale(request, error)) throw error;
        }
      }
    } catch (error) {
      leave();
      throw broken(call.url, error);
    }
  }

  close(): void {
    this.#agents.close();
  }

  #start({ url, method = 'GET', headers = {}, body, trust, proxyFor }: Call): ClientRequest {
    const proxy = proxyFor(url);
    const options = { method, headers, agent: this.#agents.agentFor(url, trust, proxy) };
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

  #answer(response: IncomingMessage, { url, method = 'GET', signal }: Call): Answer {
    const status = response.statusCode!;
    // Queries of redirected addresses are signatures.
    this.#log.debug({ method, host: url.host, path: url.pathname, status }, 'registry answered');
    return {
      status,
      headers: response.headers,
      url,
      body: this.#body(response, url, signal),
      discard: () => void response.destroy(),
    };
  }

  async *#body(response: IncomingMessage, url: URL, signal?: AbortSignal): AsyncGenerator<Buffer> {
    const aborted = (): void => void response.destroy(FsbError.from(signal?.reason));
    const chunks = response[Symbol.asyncIterator]();
    signal?.addEventListener('abort', aborted, { once: true });
    try {
      for (;;) {
        throwIfAborted(signal);
        // Only while somebody waits for it: a reader may take its time.
        const stopWaiting = afterReading(this.#clock, LONGEST_SILENCE, () => response.destroy(silence()));
        const next = await chunks.next().finally(stopWaiting);
        if (next.done) return;
        yield next.value as Buffer;
      }
    } catch (error) {
      throw broken(url, error);
    } finally {
      signal?.removeEventListener('abort', aborted);
      response.destroy();
    }
  }
}

const broken = (url: URL, cause: unknown): Error =>
  cause instanceof FsbError ? cause : new BrokenConnection(url, cause);

const silence = (): Error => new Error(`nothing came for ${LONGEST_SILENCE / 1000} s`);

/** The server had closed a connection that was kept open: that says nothing of the request. */
const isStale = (request: ClientRequest, error: unknown): boolean =>
  request.reusedSocket && /^(ECONNRESET|EPIPE)$/.test((error as NodeJS.ErrnoException).code ?? '');
