import { Client, credentials, Metadata, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import type { CallOptions } from '../api/sandbox-api.ts';
import { FsbError, throwIfAborted } from '../model/errors.ts';
import { type Endpoint, formatEndpoint, hostInUrl } from '../wire/endpoint.ts';
import { ERROR_METADATA, fromGrpcStatus } from '../wire/error-status.ts';
import { unreachable } from './unreachable.ts';

const UNAVAILABLE = 14;

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

/** Calls over one connection, which is made by the first of them. */
export class Rpc {
  readonly #endpoint: Endpoint;
  readonly #client: Client;
  #closed = false;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    const target =
      endpoint.kind === 'unix' ? `unix://${endpoint.path}` : `${hostInUrl(endpoint.host)}:${endpoint.port}`;
    this.#client = new Client(target, credentials.createInsecure(), CHANNEL_OPTIONS);
  }

  /** @throws FsbError: the core's own, `unavailable` when it cannot be reached, or the signal's reason */
  async call<Request, Response>(
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
        new Metadata(),
        (error, response) => {
          signal?.removeEventListener('abort', cancel);
          if (error !== null)
            reject(signal?.aborted ? FsbError.from(signal.reason) : this.#toFsbError(error));
          else resolve(response!);
        },
      );
      const cancel = (): void => call.cancel();
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /**
   * The answers as they come, at the pace of the reader; a reader that breaks off ends the call.
   * @throws as call()
   */
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
      new Metadata(),
    );
    const cancel = (): void => call.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      for await (const response of call as AsyncIterable<Response>) yield response;
    } catch (error) {
      throw signal?.aborted ? FsbError.from(signal.reason) : this.#toFsbError(error as ServiceError);
    } finally {
      signal?.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  /** Running calls fail. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#client.close();
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    const address = formatEndpoint(this.#endpoint);
    throw new FsbError('unavailable', `the connection to the core at ${address} was closed`);
  }

  #toFsbError(error: ServiceError): FsbError {
    const [body] = error.metadata.get(ERROR_METADATA);
    if (error.code === UNAVAILABLE && body === undefined)
      return unreachable(this.#endpoint, error.details, error);
    return fromGrpcStatus(error.code, error.details, typeof body === 'string' ? undefined : body);
  }
}
