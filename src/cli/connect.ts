import { resolve } from 'node:path';
import type { CoreApi } from '../core/api/core-api.ts';
import { FsbError } from '../core/model/errors.ts';
import { corePaths } from '../core/model/paths.ts';
import type { ConnectOptions } from './world.ts';

/** Where a core listens, both of its doors. */
export interface CoreAddress {
  /** Target of a gRPC channel: `unix:///path` or `host:port`. */
  grpc: string;
  /** `unix:///path` or `http://host:port`; undefined: the core tells over gRPC. */
  http?: string;
}

const DEFAULT_GRPC_PORT = 9090;

/** Endpoint order: --host, FSB_HOST, the local core (which is started when it does not run). */
export async function connect(
  options: ConnectOptions,
  env: Record<string, string | undefined>,
  uid: number,
  packageRoot: string,
): Promise<CoreApi> {
  const endpoint = options.host ?? (env.FSB_HOST || undefined);
  const address =
    endpoint === undefined ? await localAddress(options, env, uid, packageRoot) : parseEndpoint(endpoint);
  const { connectCore } = await import('../core/client/connect-core.ts');
  const { grpc, http = await httpOf(grpc, connectCore) } = address;
  return connectCore({ grpc, http });
}

type Connect = (address: { grpc: string; http: string }) => CoreApi;

/** Streams must reach the very core that answers the calls, whatever else listens on the usual port of that host. */
async function httpOf(grpc: string, connectCore: Connect): Promise<string> {
  await using core = connectCore({ grpc, http: grpc });
  const { http } = await core.system.info();
  if (http === '')
    throw new FsbError('unavailable', `the core at ${grpc} serves no HTTP, and so no logs and no exec`, {
      hint: 'Start it with --http HOST:PORT.',
    });
  return `${grpc.replace(/:\d+$/, '')}:${new URL(http).port}`;
}

async function localAddress(
  options: ConnectOptions,
  env: Record<string, string | undefined>,
  uid: number,
  packageRoot: string,
): Promise<CoreAddress> {
  // Absolute: the core that is started here runs in another directory.
  const absolute = env.FSB_ROOT ? { ...env, FSB_ROOT: resolve(env.FSB_ROOT) } : env;
  const paths = corePaths(absolute, uid);
  if (options.start) {
    const { ensureLocalCore } = await import('./local/autostart.ts');
    await ensureLocalCore({ paths, packageRoot, env: absolute });
  }
  return { grpc: `unix://${paths.grpcSocket}`, http: `unix://${paths.httpSocket}` };
}

/**
 * `unix:///run/fsb/fsb.sock` (its HTTP socket is http.sock beside it), `tcp://host:9090`.
 * @throws invalid_argument, unsupported
 */
export function parseEndpoint(text: string): CoreAddress {
  if (text.startsWith('unix:')) return unixEndpoint(text);
  if (text.startsWith('tcp://')) return tcpEndpoint(text);
  const scheme = /^([a-z]+):/.exec(text)?.[1];
  if (scheme === 'tls' || scheme === 'ssh' || scheme === 'embedded')
    throw new FsbError(
      'unsupported',
      `cannot connect to ${text}: ${scheme}: endpoints are not supported yet`,
      {
        hint: 'Use unix:///path/to/fsb.sock or tcp://host:9090.',
      },
    );
  throw invalidEndpoint(text);
}

function unixEndpoint(text: string): CoreAddress {
  const path = text.replace(/^unix:(\/\/)?/, '');
  if (!path.startsWith('/')) throw invalidEndpoint(text);
  return { grpc: `unix://${path}`, http: `unix://${path.replace(/[^/]*$/, 'http.sock')}` };
}

function tcpEndpoint(text: string): CoreAddress {
  const match = /^tcp:\/\/(\[[0-9a-fA-F:.]+\]|[^/:@\s]+)(?::(\d{1,5}))?\/?$/.exec(text);
  const port = match?.[2] === undefined ? DEFAULT_GRPC_PORT : Number(match[2]);
  if (!match || port < 1 || port > 65_535) throw invalidEndpoint(text);
  return { grpc: `${match[1]}:${port}` };
}

const invalidEndpoint = (text: string): FsbError =>
  new FsbError('invalid_argument', `invalid endpoint ${JSON.stringify(text)}`, {
    hint: 'Write it like unix:///run/fsb/fsb.sock or tcp://host:9090.',
  });
