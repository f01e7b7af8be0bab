import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import type { MethodDefinition } from '@grpc/grpc-js';
import type { CallOptions } from '../api/sandbox-api.ts';
import { FsbError, throwIfAborted } from '../model/failure/errors.ts';
import { traced, traceHeaders } from '../model/trace.ts';
import { type Endpoint, formatEndpoint } from '../wire/endpoint.ts';
import { LONGEST_ANSWER, PROTOBUF } from '../wire/rpc-over-http.ts';
import { refusalOf } from './refusal.ts';
import type { Rpc } from './rpc.ts';
import { connectionClosed, unreachable } from './unreachable.ts';

/** How long a connection may rest and be used again, in milliseconds: less than the core's own patience with it
 * (`keepAliveTimeout` in ../server/http/http-server.ts), or a call could meet a connection that is just being closed. */
const LONGEST_REST = 2000;

const CLIENT_SPAN = { kind: 'client' } as const;

type Socket = Extract<Endpoint, { kind: 'unix' }>;

/**
 * Calls over a socket of this machine. What has one question and one answer goes over plain HTTP, because loading
 * HTTP/2 and gRPC takes longer than all the rest of a short command; the other calls go over `grpc`, once there is one.
 */
export class HttpRpc implements Rpc {
  readonly #endpoint: Socket;
  readonly #agent = new Agent({ keepAlive: true, timeout: LONGEST_REST });
  readonly #running = new Set<ClientRequest>();
  readonly #makeGrpc: () => Promise<Rpc>;
  #grpc: Promise<Rpc> | undefined;
  #closed = false;

  constructor(endpoint: Socket, makeGrpc: () => Promise<Rpc>) {
    this.#endpoint = endpoint;
    this.#makeGrpc = makeGrpc;
  }

  call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Response> {
    return traced(method.path.slice(1), () => this.#call(method, request, options), CLIENT_SPAN);
  }

  async #call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    { signal }: CallOptions = {},
  ): Promise<Response> {
    throwIfAborted(signal);
    this.#assertOpen();
    const outgoing = this.#post(method.path, method.requestSerialize(request));
    const hangUp = (): void => void outgoing.destroy();
    this.#running.add(outgoing);
    signal?.addEventListener('abort', hangUp, { once: true });
    try {
      return method.responseDeserialize(await this.#answerTo(outgoing));
    } catch (error) {
      throwIfAborted(signal);
      this.#assertOpen();
      throw error;
    } finally {
      this.#running.delete(outgoing);
      signal?.removeEventListener('abort', hangUp);
    }
  }

  async retractable<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    retraction: Request,
    options?: CallOptions,
  ): Promise<Response> {
    return (await this.#streaming()).retractable(method, request, retraction, options);
  }

  async *stream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): AsyncGenerator<Response> {
    yield* (await this.#streaming()).stream(method, request, options);
  }

  async *exchange<Request, Response>(
    method: MethodDefinition<Request, Response>,
    requests: AsyncIterable<Request>,
    options?: CallOptions,
  ): AsyncGenerator<Response> {
    yield* (await this.#streaming()).exchange(method, requests, options);
  }

  close(): void {
    this.#closed = true;
    for (const outgoing of this.#running) outgoing.destroy();
    this.#agent.destroy();
    void this.#grpc?.then((grpc) => grpc.close());
  }

  #post(path: string, body: Buffer): ClientRequest {
    const outgoing = httpRequest({
      // Without a `servername` Node works one out for TLS, which there is none of, and that takes a millisecond.
      ...{ socketPath: this.#endpoint.path, agent: this.#agent, method: 'POST', path, servername: '' },
      headers: {
        ...{ host: 'localhost', 'content-type': PROTOBUF, 'content-length': body.length },
        ...traceHeaders(),
      },
    });
    outgoing.end(body);
    return outgoing;
  }

  async #answerTo(outgoing: ClientRequest): Promise<Buffer> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve);
      // Stays: what breaks after the head of the answer breaks its body, too, and is told there.
      outgoing.on('error', (cause) => reject(unreachable(this.#endpoint, cause.message, cause)));
    });
    if (response.statusCode !== 200) throw await refusalOf(response, response.statusCode!);
    if (response.headers['content-type'] !== PROTOBUF) throw this.#noCore();
    return this.#bodyOf(response);
  }

  async #bodyOf(response: IncomingMessage): Promise<Buffer> {
    const pieces: Buffer[] = [];
    let length = 0;
    try {
      for await (const piece of response as AsyncIterable<Buffer>) {
        pieces.push(piece);
        length += piece.length;
        if (length > LONGEST_ANSWER) throw new FsbError('internal', 'the answer of the core is too long');
      }
    } catch (error) {
      if (error instanceof FsbError) throw error;
      throw unreachable(this.#endpoint, 'socket hang up', error as Error);
    }
    return Buffer.concat(pieces);
  }

  #noCore(): FsbError {
    return new FsbError('unavailable', `what listens at ${formatEndpoint(this.#endpoint)} is no core`);
  }

  async #streaming(): Promise<Rpc> {
    this.#assertOpen();
    this.#grpc ??= this.#makeGrpc();
    return this.#grpc;
  }

  #assertOpen(): void {
    if (this.#closed) throw connectionClosed(this.#endpoint);
  }
}
