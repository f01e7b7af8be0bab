import type { CoreApi } from '../api/core-api.ts';
import type { ImageApi } from '../api/image-api.ts';
import type { PoolApi } from '../api/pool-api.ts';
import type { SandboxApi } from '../api/sandbox-api.ts';
import { FsbError } from '../model/errors.ts';
import { type Endpoint, parseEndpoint } from '../wire/endpoint.ts';
import type { StreamApi } from './stream-api.ts';
import type { UnaryApi } from './unary-api.ts';

export interface CoreAddress {
  /** `unix:///path` or `host:port`. */
  grpc: string;
  http: string;
}

/**
 * A core behind its sockets. Nothing is loaded or connected before it is needed: a call loads HTTP, or gRPC
 * when it needs that, and makes its one connection; a stream loads WebSocket and makes one of its own.
 *
 * @throws invalid_argument for an address that does not read
 */
export function connectCore(address: CoreAddress): CoreApi {
  const connection = new LazyConnection(parseEndpoint(address.grpc), parseEndpoint(address.http));
  const close = (): Promise<void> => connection.close();
  return {
    sandboxes: remoteSandboxes(connection),
    pools: remotePools(connection),
    images: remoteImages(connection),
    system: {
      info: async (options) => (await connection.unary()).system.info(options),
      async *events(query, options) {
        yield* (await connection.unary()).system.events(query, options);
      },
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function remoteSandboxes(connection: LazyConnection): SandboxApi {
  return {
    create: async (request, options) => (await connection.unary()).sandboxes.create(request, options),
    get: async (ref, options) => (await connection.unary()).sandboxes.get(ref, options),
    list: async (query, options) => (await connection.unary()).sandboxes.list(query, options),
    delete: async (ref, options) => (await connection.unary()).sandboxes.delete(ref, options),
    wait: async (ref, options) => (await connection.unary()).sandboxes.wait(ref, options),
    stop: async (ref, options) => (await connection.unary()).sandboxes.stop(ref, options),
    start: async (ref, options) => (await connection.unary()).sandboxes.start(ref, options),
    restart: async (ref, options) => (await connection.unary()).sandboxes.restart(ref, options),
    reset: async (ref, options) => (await connection.unary()).sandboxes.reset(ref, options),
    pause: async (ref, options) => (await connection.unary()).sandboxes.pause(ref, options),
    unpause: async (ref, options) => (await connection.unary()).sandboxes.unpause(ref, options),
    signal: async (ref, signal, options) => (await connection.unary()).sandboxes.signal(ref, signal, options),
    rename: async (ref, name, options) => (await connection.unary()).sandboxes.rename(ref, name, options),
    update: async (ref, change, options) => (await connection.unary()).sandboxes.update(ref, change, options),
    usage: async (query, options) => (await connection.unary()).sandboxes.usage(query, options),
    exec: async (ref, request, options) => (await connection.streams()).exec(ref, request, options),
    attach: async (ref, request, options) => (await connection.streams()).attach(ref, request, options),
    async *logs(ref, query, options) {
      yield* (await connection.streams()).logs(ref, query, options);
    },
  };
}

function remoteImages(connection: LazyConnection): ImageApi {
  return {
    async *pull(request, options) {
      yield* (await connection.unary()).images.pull(request, options);
    },
    import: async (request, options) => (await connection.unary()).images.import(request, options),
    list: async (options) => (await connection.unary()).images.list(options),
    inspect: async (reference, options) => (await connection.unary()).images.inspect(reference, options),
    tag: async (source, target, options) => (await connection.unary()).images.tag(source, target, options),
    remove: async (reference, options) => (await connection.unary()).images.remove(reference, options),
    prune: async (request, options) => (await connection.unary()).images.prune(request, options),
    async *save(references, options) {
      yield* (await connection.unary()).images.save(references, options);
    },
    login: async (request, options) => (await connection.unary()).images.login(request, options),
  };
}

function remotePools(connection: LazyConnection): PoolApi {
  return {
    status: async (pool, options) => (await connection.unary()).pools.status(pool, options),
    list: async (options) => (await connection.unary()).pools.list(options),
    get: async (name, options) => (await connection.unary()).pools.get(name, options),
    create: async (policy, options) => (await connection.unary()).pools.create(policy, options),
    update: async (name, change, options) => (await connection.unary()).pools.update(name, change, options),
    delete: async (name, options) => (await connection.unary()).pools.delete(name, options),
    stop: async (name, options) => (await connection.unary()).pools.stop(name, options),
    drain: async (name, options) => (await connection.unary()).pools.drain(name, options),
    run: async (request, options) => (await connection.streams()).run(request, options),
    lease: async (request, options) => (await connection.unary()).pools.lease(request, options),
    leases: async (options) => (await connection.unary()).pools.leases(options),
    exec: async (lease, request, options) =>
      (await connection.streams()).execInLease(lease, request, options),
    kill: async (lease, options) => (await connection.unary()).pools.kill(lease, options),
    release: async (lease, options) => (await connection.unary()).pools.release(lease, options),
  };
}

class LazyConnection {
  readonly #grpc: Endpoint;
  readonly #http: Endpoint;
  #unary: Promise<UnaryApi> | undefined;
  #streams: Promise<StreamApi> | undefined;
  #closed = false;

  constructor(grpc: Endpoint, http: Endpoint) {
    this.#grpc = grpc;
    this.#http = http;
  }

  async unary(): Promise<UnaryApi> {
    this.#assertOpen();
    this.#unary ??= import('./unary-api.ts').then(({ unaryApi }) => unaryApi(this.#grpc, this.#http));
    return this.#unary;
  }

  async streams(): Promise<StreamApi> {
    this.#assertOpen();
    this.#streams ??= import('./stream-api.ts').then(({ StreamApi }) => new StreamApi(this.#http));
    return this.#streams;
  }

  async close(): Promise<void> {
    this.#closed = true;
    (await this.#unary)?.close();
    (await this.#streams)?.close();
  }

  #assertOpen(): void {
    if (this.#closed) throw new FsbError('unavailable', 'the connection to the core was closed');
  }
}
