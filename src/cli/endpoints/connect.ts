import type { CoreApi } from '../../core/api/core-api.ts';
import { FsbError } from '../../core/model/errors.ts';
import type { ConnectOptions } from '../world.ts';
import { type CoreEndpoint, parseEndpoint } from './endpoint.ts';
import type { Here } from './here.ts';

/**
 * The core of an endpoint; without one the local core, which is started when it does not run. What only one kind of
 * endpoint needs is loaded with it.
 * @throws invalid_argument, unsupported, unavailable
 */
export async function connect(options: ConnectOptions, here: Here): Promise<CoreApi> {
  if (options.endpoint === undefined) return connectLocal(options, here);
  const endpoint = parseEndpoint(options.endpoint);
  if (endpoint.kind === 'ssh') {
    const { connectSsh } = await import('./ssh.ts');
    return connectSsh(endpoint, { start: startAllowed(options, here), here });
  }
  if (endpoint.kind === 'embedded') {
    const { connectEmbedded } = await import('./embedded.ts');
    return connectEmbedded(endpoint.root, here);
  }
  if (endpoint.kind === 'tls') throw noTlsYet(endpoint);
  const { connectCore } = await import('../../core/client/connect-core.ts');
  const { grpc } = endpoint;
  return connectCore({
    grpc,
    http: endpoint.kind === 'unix' ? endpoint.http : await httpOf(grpc, connectCore),
  });
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

async function connectLocal(options: ConnectOptions, here: Here): Promise<CoreApi> {
  const [{ localCore }, { assertOwnDirectory }] = await Promise.all([
    import('../local/find.ts'),
    import('../../core/private-directory.ts'),
  ]);
  const local = localCore(here, here.packageRoot);
  assertOwnDirectory(local.paths.run);
  if (options.start) {
    const { ensureLocalCore } = await import('../local/autostart.ts');
    await ensureLocalCore(local);
  }
  const { connectCore } = await import('../../core/client/connect-core.ts');
  const { grpcSocket, httpSocket } = local.paths;
  const hint = 'Is it running? See `fsb-ctl daemon status`.';
  return connectCore({ grpc: `unix://${grpcSocket}`, http: `unix://${httpSocket}`, hint });
}

const startAllowed = ({ start }: ConnectOptions, { env }: Here): boolean =>
  start && env.FSB_NO_AUTOSTART !== '1';

const noTlsYet = ({ grpc }: CoreEndpoint & { kind: 'tls' }): FsbError =>
  new FsbError('unsupported', `cannot connect to tls://${grpc}: cores do not serve TLS yet`, {
    hint: 'Reach a core on another machine with ssh://user@host.',
  });
