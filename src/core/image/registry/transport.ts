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
import { Turns } from '../../model/turns.ts';
import { Agents } from './agents.ts';
import type { Trust } from './certificates.ts';
import { Pace } from './pace.ts';
import { type ProxyChoice, proxyName } from './proxies.ts';

export interface Call {
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
/** Bytes; milliseconds. */
const LONGEST_REST = 64 * 1024;
const LONGEST_DISCARD = 1500;

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
    { url, method = 'GET', headers, body, trust, proxyFor }: Call,
    authorization: Record<string, string>,
  ): ClientRequest {
    const proxy = proxyFor(url);
    const options = {
      method,
      headers: { ...headers, ...authorization },
      agent: this.#agents.agentFor(url, trust, proxy),
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
    const status = response.statusCode!;
    const isLayer = lane === 'layers' && (status === 200 || status === 206);
    // Queries of redirected addresses are signatures.
    this.#log.debug({ method, host: url.host, path: url.pathname, status }, 'registry answered');
    return {
      status,
      headers: response.headers,
      url,
      body: this.#body(response, url, new Pace(this.#clock, isLayer), signal),
      discard: () => this.#discard(response),
    };
  }

  /** Reads a short rest, so that the connection can be used again; a long or slow one is cut off. */
  #discard(response: IncomingMessage): void {
    if (response.destroyed) return;
    if (!(Number(response.headers['content-length']) <= LONGEST_REST)) return void response.destroy();
    response.once(
      'close',
      this.#clock.after(LONGEST_DISCARD, () => response.destroy()),
    );
    response.resume();
  }

  async *#body(
    response: IncomingMessage,
    url: URL,
    pace: Pace,
    signal?: AbortSignal,
  ): AsyncGenerator<Buffer> {
    const aborted = (): void => void response.destroy(FsbError.from(signal?.reason));
    const chunks = response[Symbol.asyncIterator]();
    signal?.addEventListener('abort', aborted, { once: true });
    try {
      for (;;) {
        throwIfAborted(signal);
        // Only while somebody waits for it: a reader may take its time.
        const stopWaiting = afterReading(this.#clock, LONGEST_SILENCE, () => response.destroy(silence()));
        const next = await pace.measured(chunks.next()).finally(stopWaiting);
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
