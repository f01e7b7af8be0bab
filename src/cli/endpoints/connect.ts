import type { CoreApi } from '../../core/api/core-api.ts';
import { LOOKING } from '../command/looking.ts';
import { parseEndpoint } from '../config/endpoint.ts';
import type { ConnectOptions } from '../terminal/world.ts';
import type { Here } from './here.ts';

/**
 * The core of an endpoint; without one the local core, which is started when it does not run. What only one kind of
 * endpoint needs is loaded with it.
 * @param signal of whoever waits for it: what is read on the way may be a pipe
 * @throws invalid_argument, unsupported, unavailable
 */
export async function connect(options: ConnectOptions, here: Here, signal: AbortSignal): Promise<CoreApi> {
  const away = (): void => void options.say(LOOKING);
  if (options.endpoint === undefined) return connectLocal(options, here, away);
  const endpoint = parseEndpoint(options.endpoint);
  if (endpoint.kind === 'ssh') {
    const { connectSsh } = await import('./ssh.ts');
    return connectSsh(endpoint, { start: startAllowed(options, here), here, away });
  }
  if (endpoint.kind === 'embedded') {
    const { connectEmbedded } = await import('./embedded.ts');
    return connectEmbedded(endpoint.root, here);
  }
  const { connectCore } = await import('../../core/client/connect-core.ts');
  if (endpoint.kind === 'unix') return connectCore({ grpc: endpoint.grpc, http: endpoint.http, away });
  const { clientSecurity } = await import('./credentials.ts');
  const security = await clientSecurity(endpoint.kind, options.tls ?? {}, here, signal);
  const hint =
    endpoint.kind === 'tcp'
      ? `Is it running, and is that its address? If it has TLS, use tls://${endpoint.grpc}.`
      : undefined;
  return connectCore({ grpc: endpoint.grpc, security, ...(hint && { hint }), away });
}

async function connectLocal(options: ConnectOptions, here: Here, away: () => void): Promise<CoreApi> {
  const [{ localCore }, { assertOwnDirectory }] = await Promise.all([
    import('../local/daemon/find.ts'),
    import('../../core/root/private-directory.ts'),
  ]);
  const local = localCore(here, here.packageRoot);
  assertOwnDirectory(local.paths.run);
  if (options.start) {
    const { ensureLocalCore } = await import('../local/daemon/autostart.ts');
    await ensureLocalCore(local, options.say);
  }
  const { connectCore } = await import('../../core/client/connect-core.ts');
  const { grpcSocket, httpSocket } = local.paths;
  const hint = 'Is it running? See `fsb-ctl daemon status`.';
  return connectCore({ grpc: `unix://${grpcSocket}`, http: `unix://${httpSocket}`, hint, away });
}

const startAllowed = ({ start }: ConnectOptions, { env }: Here): boolean =>
  start && env.FSB_NO_AUTOSTART !== '1';
