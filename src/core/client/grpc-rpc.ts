import { isIP } from 'node:net';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from '@grpc/grpc-js';
import type { CallOptions } from '../api/sandbox-api.ts';
import { systemClock } from '../model/clock.ts';
import { FsbError, throwIfAborted } from '../model/failure/errors.ts';
import { traced, traceHeaders } from '../model/trace.ts';
import { hostInUrl } from '../wire/endpoint.ts';
import { ERROR_METADATA, fromGrpcStatus } from '../wire/error-status.ts';
import type { Rpc } from './rpc.ts';
import { authorizationFor, nameToVerify, type Target, tlsOptionsFor } from './security.ts';
import { connectionClosed, isForeign, noCoreThere, unreachable } from './unreachable.ts';

const CANCELLED = 1;
const UNAVAILABLE = 14;
/** Milliseconds for the core to answer a request that was taken back; it is there at once unless the core hangs. */
const RETRACTION_MS = 5000;

const CHANNEL_OPTIONS = {
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc.max_send_message_length': 4 * 1024 * 1024,
  // Each costs work on every call or on every connection, and none is of use next to the core.
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  // A channel of its own, so that close() really closes the connection.
  'grpc.use_local_subchannel_pool': 1,
  // A core that is just starting is there in a moment.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1000,
  'grpc.default_authority': 'localhost',
};

const CLIENT_SPAN = { kind: 'client', attributes: { 'rpc.system': 'grpc' } } as const;

/** A network that swallows everything says nothing to who waits; on a unix socket the kernel tells when the core has died. */
const KEEPALIVE = { 'grpc.keepalive_time_ms': 20_000, 'grpc.keepalive_timeout_ms': 20_000 };

interface Cancellable {
  cancel(): void;
}

/** Calls over one gRPC connection, which is made by the first of them. */
export class GrpcRpc implements Rpc {
  readonly #endpoint: Target;
  readonly #client: Client;
  readonly #calls = new Set<Cancellable>();
  #closed = false;

  /**
   * @param keepalive over TCP, while a call is open
   * @throws invalid_argument for certificates that cannot be used
   */
  constructor(endpoint: Target, keepalive = KEEPALIVE) {
    this.#endpoint = endpoint;
    const target =
      endpoint.kind === 'unix' ? `unix://${endpoint.path}` : `${hostInUrl(endpoint.host)}:${endpoint.port}`;
    this.#client = new Client(target, credentialsFor(endpoint), {
      ...CHANNEL_OPTIONS,
      ...(endpoint.kind === 'tcp' && keepalive),
      ...(endpoint.security?.tls && namesFor(endpoint)),
    });
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
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest<Request, Response>(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        this.#metadata(),
        (error, response) => {
          settle();
          if (error === null) resolve(response!);
          else reject(this.#toFsbError(error, signal));
        },
      );
      const settle = this.#running(call, signal);
    });
  }

  async retractable<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    retraction: Request,
    { signal }: CallOptions = {},
  ): Promise<Response> {
    throwIfAborted(signal);
    this.#assertOpen();
    return new Promise((resolve, reject) => {
      let hangUp = (): void => {};
      const call = this.#client.makeClientStreamRequest<Request, Response>(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        this.#metadata(),
        (error, response) => {
          settle();
          hangUp();
          if (error === null) resolve(response!);
          else reject(this.#toFsbError(error, signal));
        },
      );
      const retract = (): void => {
        call.write(retraction);
        hangUp = systemClock.after(RETRACTION_MS, () => call.cancel());
      };
      const settle = this.#running(call, signal, retract);
      call.write(request);
    });
  }

  async *stream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    { signal }: CallOptions = {},
  ): AsyncGenerator<Response> {
    throwIfAborted(signal);
    this.#assertOpen();
    const call = this.#client.makeServerStreamRequest<Request, Response>(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      this.#metadata(),
    );
    const settle = this.#running(call, signal);
    try {
      for await (const response of call as AsyncIterable<Response>) yield response;
    } catch (error) {
      throw this.#toFsbError(error as ServiceError, signal);
    } finally {
      settle();
      call.cancel();
    }
  }

  async *exchange<Request, Response>(
    method: MethodDefinition<Request, Response>,
    requests: AsyncIterable<Request>,
    { signal }: CallOptions = {},
  ): AsyncGenerator<Response> {
    throwIfAborted(signal);
    this.#assertOpen();
    const call = this.#client.makeBidiStreamRequest<Request, Response>(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      this.#metadata(),
    );
    const settle = this.#running(call, signal);
    const outbox = sendingHalf(call);
    const failed = pipeline(requests, outbox).then(noop, (error: unknown) => {
      call.cancel();
      return error;
    });
    try {
      for await (const response of call as AsyncIterable<Response>) yield response;
    } catch (error) {
      // The core may answer, with an error, before it has read everything: then nobody reads any more.
      outbox.destroy();
      const failure = await failed;
      if (failure instanceof FsbError && (error as ServiceError).code === CANCELLED) throw failure;
      throw this.#toFsbError(error as ServiceError, signal);
    } finally {
      outbox.destroy();
      settle();
      call.cancel();
    }
  }

  close(): void {
    this.#closed = true;
    for (const call of this.#calls) call.cancel();
    this.#client.close();
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    const shown = authorizationFor(this.#endpoint);
    if (shown !== undefined) metadata.set('authorization', shown.authorization);
    const trace = traceHeaders();
    if (trace !== undefined) metadata.set('traceparent', trace.traceparent);
    return metadata;
  }

  /** Until it is settled, a call ends with its signal and with the connection; the library ends it with neither. */
  #running(
    call: Cancellable,
    signal: AbortSignal | undefined,
    leave = (): void => call.cancel(),
  ): () => void {
    this.#calls.add(call);
    signal?.addEventListener('abort', leave, { once: true });
    return () => {
      this.#calls.delete(call);
      signal?.removeEventListener('abort', leave);
    };
  }

  #assertOpen(): void {
    if (this.#closed) throw connectionClosed(this.#endpoint);
  }

  #toFsbError(error: ServiceError, signal: AbortSignal | undefined): FsbError {
    if (signal?.aborted) return FsbError.from(signal.reason);
    if (this.#closed && error.code === CANCELLED) return connectionClosed(this.#endpoint);
    const [body] = error.metadata.get(ERROR_METADATA);
    if (body === undefined && isForeign(error)) return noCoreThere(this.#endpoint, error.details, error);
    if (body === undefined && error.code === UNAVAILABLE)
      return unreachable(this.#endpoint, error.details, error);
    return fromGrpcStatus(error.code, error.details, typeof body === 'string' ? undefined : body);
  }
}

function credentialsFor(target: Target): ChannelCredentials {
  const options = tlsOptionsFor(target);
  if (options === undefined) return credentials.createInsecure();
  const { secureContext, checkServerIdentity } = options;
  return credentials.createFromSecureContext(secureContext, { checkServerIdentity });
}

/** The library takes an address for a server name, which TLS forbids; who is there is checked by the credentials. */
function namesFor(target: Target): ChannelOptions {
  const name = nameToVerify(target);
  return { 'grpc.ssl_target_name_override': isIP(name) ? 'localhost' : name, 'grpc.default_authority': name };
}

/** Of a call that goes both ways; it ends alone. */
const sendingHalf = <Request, Response>(call: ClientDuplexStream<Request, Response>): Writable =>
  new Writable({
    objectMode: true,
    highWaterMark: 1,
    write: (request: Request, encoding, done) => void call.write(request, encoding, done),
    final: (done) => {
      call.end();
      done();
    },
  });

const noop = (): undefined => undefined;
