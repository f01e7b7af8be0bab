import type { CoreApi } from '../core/api/core-api.ts';
import { FsbError } from '../core/model/errors.ts';
import { corePaths } from '../core/model/paths.ts';
import type { ConnectOptions } from './world.ts';

/** Where a core listens, both of its doors. */
export interface CoreAddress {
  /** Target of a gRPC channel: `unix:///path` or `host:port`. */
  grpc: string;
  /** `unix:///path` or `http://host:port`. */
  http: string;
}

const DEFAULT_GRPC_PORT = 9090;
const DEFAULT_HTTP_PORT = 5758;

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
  return connectCore(address);
}

async function localAddress(
  options: ConnectOptions,
  env: Record<string, string | undefined>,
  uid: number,
  packageRoot: string,
): Promise<CoreAddress> {
  const paths = corePaths(env, uid);
  if (options.start) {
    const { ensureLocalCore } = await import('./local/autostart.ts');
    await ensureLocalCore({ paths, packageRoot, env });
  }
  return { grpc: `unix://${paths.grpcSocket}`, http: `unix://${paths.httpSocket}` };
}

/**
 * `unix:///run/fsb/fsb.sock` (its HTTP socket is http.sock beside it), `tcp://host:9090` (HTTP on port 5758).
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
  return { grpc: `${match[1]}:${port}`, http: `http://${match[1]}:${DEFAULT_HTTP_PORT}` };
}

const invalidEndpoint = (text: string): FsbError =>
  new FsbError('invalid_argument', `invalid endpoint ${JSON.stringify(text)}`, {
    hint: 'Write it like unix:///run/fsb/fsb.sock or tcp://host:9090.',
  });
