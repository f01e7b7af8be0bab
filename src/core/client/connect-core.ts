import type { CoreApi } from '../api/core-api.ts';
import type { ImageApi } from '../api/image-api.ts';
import type { PoolApi } from '../api/pool-api.ts';
import type { CallOptions, SandboxApi } from '../api/sandbox-api.ts';
import { FsbError } from '../model/failure/errors.ts';
import { parseEndpoint } from '../wire/endpoint.ts';
import type { Absence } from './absence.ts';
import type { Rpc } from './rpc.ts';
import type { ClientSecurity, Target } from './security.ts';
import type { StreamApi } from './stream/stream-api.ts';

export interface CoreAddress {
  /** `unix:///path` or `host:port`. */
  grpc: string;
  /** Left out: on the host of `grpc`, on the port that the core tells, which is asked when it is needed. */
  http?: string;
  security?: ClientSecurity;
  /** What to do when nobody answers there. */
  hint?: string;
  /** Told when the core went away under something that goes on with the next one, and there is none for a second or so. */
  away?: () => void;
}

/**
 * A core behind its sockets. Nothing is loaded or connected before it is needed: a call loads HTTP, or gRPC
 * when it needs that, and makes its one connection; a stream loads WebSocket and makes one of its own.
 *
 * @throws invalid_argument for an address that does not read
 */
export function connectCore(address: CoreAddress): CoreApi {
  const { grpc, http, hint, security, away } = address;
  // People gave the one address, from which the other one came.
  const known = { name: grpc, ...(hint === undefined ? {} : { hint }), ...(security && { security }) };
  const target = (text: string): Target => ({ ...parseEndpoint(text), ...known });
  const connection = new LazyConnection(target(grpc), http === undefined ? undefined : target(http), away);
  const close = (): Promise<void> => connection.close();
  return {
    sandboxes: remoteSandboxes(connection),
    pools: remotePools(connection),
    images: remoteImages(connection),
    system: {
      info: async (options) => (await connection.system()).info(options),
      usage: async (options) => (await connection.system()).usage(options),
      health: async (options) => (await connection.system()).health(options),
      retainedLogs: async (options) => (await connection.system()).retainedLogs(options),
      removeLogs: async (ids, options) => (await connection.system()).removeLogs(ids, options),
      removeSetAside: async (options) => (await connection.system()).removeSetAside(options),
      async *events(query, options) {
        yield* (await connection.system()).events(query, options);
      },
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function remoteSandboxes(connection: LazyConnection): SandboxApi {
  return {
    create: async (request, options) => (await connection.sandboxes()).create(request, options),
    get: async (ref, options) => (await connection.sandboxes()).get(ref, options),
    list: async (query, options) => (await connection.sandboxes()).list(query, options),
    page: async (query, options) => (await connection.sandboxes()).page(query, options),
    async *watch(query, options) {
      yield* (await connection.sandboxes()).watch(query, options);
    },
    delete: async (ref, options) => (await connection.sandboxes()).delete(ref, options),
    wait: async (ref, options) => (await connection.sandboxes()).wait(ref, options),
    stop: async (ref, options) => (await connection.sandboxes()).stop(ref, options),
    start: async (ref, options) => (await connection.sandboxes()).start(ref, options),
    restart: async (ref, options) => (await connection.sandboxes()).restart(ref, options),
    reset: async (ref, options) => (await connection.sandboxes()).reset(ref, options),
    pause: async (ref, options) => (await connection.sandboxes()).pause(ref, options),
    unpause: async (ref, options) => (await connection.sandboxes()).unpause(ref, options),
    signal: async (ref, signal, options) => (await connection.sandboxes()).signal(ref, signal, options),
    rename: async (ref, name, options) => (await connection.sandboxes()).rename(ref, name, options),
    update: async (ref, change, options) => (await connection.sandboxes()).update(ref, change, options),
    usage: async (query, options) => (await connection.sandboxes()).usage(query, options),
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
      yield* (await connection.images()).pull(request, options);
    },
    import: async (request, options) => (await connection.images()).import(request, options),
    list: async (options) => (await connection.images()).list(options),
    inspect: async (reference, options) => (await connection.images()).inspect(reference, options),
    tag: async (source, target, options) => (await connection.images()).tag(source, target, options),
    remove: async (reference, options) => (await connection.images()).remove(reference, options),
    prune: async (request, options) => (await connection.images()).prune(request, options),
    async *save(references, options) {
      yield* (await connection.images()).save(references, options);
    },
    login: async (request, options) => (await connection.images()).login(request, options),
  };
}

function remotePools(connection: LazyConnection): PoolApi {
  return {
    status: async (pool, options) => (await connection.pools()).status(pool, options),
    list: async (options) => (await connection.pools()).list(options),
    get: async (name, options) => (await connection.pools()).get(name, options),
    create: async (policy, options) => (await connection.pools()).create(policy, options),
    update: async (name, change, options) => (await connection.pools()).update(name, change, options),
    delete: async (name, options) => (await connection.pools()).delete(name, options),
    stop: async (name, options) => (await connection.pools()).stop(name, options),
    drain: async (name, options) => (await connection.pools()).drain(name, options),
    run: async (request, options) => (await connection.streams()).run(request, options),
    lease: async (request, options) => (await connection.pools()).lease(request, options),
    leases: async (options) => (await connection.pools()).leases(options),
    exec: async (lease, request, options) =>
      (await connection.streams()).execInLease(lease, request, options),
    kill: async (lease, options) => (await connection.pools()).kill(lease, options),
    release: async (lease, options) => (await connection.pools()).release(lease, options),
  };
}

/** Of each kind of call only what is used is loaded; all go over one `Rpc`. */
class LazyConnection {
  readonly #grpc: Target;
  readonly #http: Target | undefined;
  readonly #away: (() => void) | undefined;
  #rpc: Promise<Rpc> | undefined;
  #streams: Promise<StreamApi> | undefined;
  #closed = false;

  constructor(grpc: Target, http: Target | undefined, away?: () => void) {
    this.#grpc = grpc;
    this.#http = http;
    this.#away = away;
  }

  /** One for all, so that each absence is told once. */
  readonly #absence = once(async (): Promise<Absence | undefined> => {
    if (this.#away === undefined) return undefined;
    return new (await import('./absence.ts')).Absence(this.#away);
  });

  readonly sandboxes = once(async () => {
    const { sandboxCalls } = await import('./sandbox-calls.ts');
    return sandboxCalls(await this.#connected(), await this.#absence());
  });

  readonly images = once(async () => {
    const { imageCalls } = await import('./image-calls.ts');
    return imageCalls(await this.#connected());
  });

  readonly pools = once(async () => {
    const { poolCalls } = await import('./pool-calls.ts');
    return poolCalls(await this.#connected(), await this.#absence());
  });

  readonly system = once(async () => {
    const { systemCalls } = await import('./system-calls.ts');
    return systemCalls(await this.#connected());
  });

  async streams(): Promise<StreamApi> {
    this.#assertOpen();
    this.#streams ??= this.#openStreams();
    // One that failed is no reason for the next to fail.
    this.#streams.catch(() => {
      this.#streams = undefined;
    });
    return this.#streams;
  }

  async close(): Promise<void> {
    this.#closed = true;
    (await this.#rpc?.catch(() => undefined))?.close();
    (await this.#streams?.catch(() => undefined))?.close();
  }

  async #openStreams(): Promise<StreamApi> {
    const [{ StreamApi }, target] = await Promise.all([
      import('./stream/stream-api.ts'),
      this.#http ?? this.#httpAsTold(),
    ]);
    return new StreamApi(
      target,
      this.#http === undefined ? (options) => this.#httpAsTold(options) : undefined,
      await this.#absence(),
    );
  }

  /** Streams must reach the very core that answers the calls, whatever else listens on the usual port of that host. */
  async #httpAsTold(options?: CallOptions): Promise<Target> {
    const { http } = await (await this.system()).info(options);
    const grpc = this.#grpc;
    if (http === '' || grpc.kind !== 'tcp')
      throw new FsbError(
        'unavailable',
        `the core at ${grpc.name} serves no HTTP, and so no logs and no exec`,
        {
          hint: 'Start it with --http HOST:PORT.',
        },
      );
    const { port, protocol } = new URL(http);
    // A URL has no word for the usual port of its scheme.
    return { ...grpc, port: Number(port) || (protocol === 'https:' ? 443 : 80) };
  }

  #connected(): Promise<Rpc> {
    this.#assertOpen();
    this.#rpc ??= this.#connect();
    return this.#rpc;
  }

  async #connect(): Promise<Rpc> {
    const grpc = async (): Promise<Rpc> => new (await import('./grpc-rpc.ts')).GrpcRpc(this.#grpc);
    if (this.#http?.kind !== 'unix') return grpc();
    return new (await import('./http-rpc.ts')).HttpRpc(this.#http, grpc);
  }

  #assertOpen(): void {
    if (this.#closed) throw new FsbError('unavailable', 'the connection to the core was closed');
  }
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load();
    return loaded;
  };
}
