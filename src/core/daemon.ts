import type { Logger } from 'pino';
import type { JanitorPace } from './agent/recovery/janitor.ts';
import type { CoreApi, CoreFacts } from './api/core-api.ts';
import { coreApi, coreFacts } from './assemble-api.ts';
import { Cleanup } from './cleanup.ts';
import { Controller } from './controller/controller.ts';
import { openGround } from './ground.ts';
import { type Clock, systemClock } from './model/clock.ts';
import type { Descriptors } from './model/failure/descriptors.ts';
import { diskError } from './model/failure/disk-failure.ts';
import { FsbError } from './model/failure/errors.ts';
import { failpoint } from './model/failure/failpoint.ts';
import { isLoopback } from './model/loopback.ts';
import type { CorePaths } from './model/paths.ts';
import type { PoolMeter } from './model/pool/pool.ts';
import { startNode } from './node/local-node.ts';
import { type CoreStatus, forgetEnded, removeStatus, writeStatus } from './root/status-file.ts';
import type { Security } from './server/doors.ts';
import { type CoreMetrics, createCoreMetrics } from './server/metrics/core-metrics.ts';
import { type Servers, startServers } from './server/servers.ts';
import { tracedAgent, tracedController } from './steps.ts';
import { addressesToTry } from './usual-ports.ts';

export interface CoreOptions {
  paths: CorePaths;
  /** Directory of fsb-init and fsb-launch. */
  guestDirectory: string;
  version: string;
  /** A change of the default pool's policy, as a user writes it; see model/pool/pool-policy.ts. Kept for later cores. */
  pool: Record<string, unknown>;
  /** `host:port` of HTTP besides its unix socket; undefined: off. Port 0 takes a free one. */
  http?: string;
  /** `host:port` of gRPC besides its unix socket; undefined: off. */
  grpc?: string;
  /** `host:port` of the metrics; undefined: off. */
  metrics?: string;
  /** Who may call over TCP besides the user of this process; with `tls`, gRPC and HTTP on TCP speak TLS. */
  security?: Omit<Security, 'auditLog'>;
  /** What all of this was on a command line, for whoever starts the next core. */
  flags?: readonly string[];
  /** Those of the addresses that nobody chose: when one is taken, other ports serve as well. */
  usualPorts?: string[];
  /** It serves the process that it is in: it listens nowhere and keeps nothing warm. */
  embedded?: boolean;
  /** Bytes of the log that are kept of each sandbox, at most. Default 48 MiB. */
  logSize?: number;
  /** Milliseconds that the log of a deleted sandbox is kept. Default 0: it goes with it. */
  logRetention?: number;
  /** How soon an instance goes that nobody holds. */
  janitor?: JanitorPace;
  /** Milliseconds to wait for another core of this root to end; default two seconds. */
  lockWait?: number;
  log: Logger;
  clock?: Clock;
  /** Must end this process at once and in any way but close(): what runs may belong to another core by now. */
  onLockLost: () => void;
}

export interface RunningCore {
  api: CoreApi;
  status: CoreStatus;
  /** Resolves when it can do nothing any more, and must be closed: another process can go on. */
  failed: Promise<FsbError>;
  /** In order and bounded; running sandboxes live on and are taken up by the next core. Idempotent. */
  close(): Promise<void>;
}

/** How long calls under way may take when the core ends. */
const CALL_GRACE = 5_000;

/**
 * The composition root: locks, opens, recovers, listens. What it opened is closed again when a later step fails.
 * @throws conflict (another core has this root), run_failed (no runtime), unavailable (cannot listen), no_capacity (no room
 * on the disk, too few descriptors)
 */
export async function startCore(options: CoreOptions): Promise<RunningCore> {
  const { paths, log, clock = systemClock } = options;
  const cleanup = new Cleanup(log, clock);
  try {
    const { descriptors, records, sandboxes, tally } = await openGround({ ...options, clock }, cleanup);
    const metrics = createCoreMetrics(clock, { tally, storeSize: () => records.health().size });
    const meter = (pool: string): PoolMeter => metrics.pool(pool);
    const { agent, probe, events, upkeep, doubt, isNetworkShared, unwarmed } = await startNode(
      { ...options, warm: !options.embedded, records, sandboxes, clock, meter, tally, descriptors },
      cleanup,
    );
    const controller = new Controller({
      agent: tracedAgent(agent),
      ...{ sandboxes, mayBeWanted: doubt.sandbox },
      clock,
      log: log.child({ component: 'controller' }),
      history: events,
    });
    cleanup.add('controller', () => controller.close());
    await controller.recover();

    const { version, flags } = options;
    const info = coreFacts({ version, root: paths.root, probe, startedAt: clock.now(), flags });
    const api = coreApi({ sandboxes: tracedController(controller), agent, upkeep, info }, () =>
      cleanup.run(),
    );
    const status = options.embedded
      ? { ...info, endpoint: '', grpc: '' }
      : await serve(api, info, {
          ...{ options, unwarmed, metrics, descriptors, isNetworkShared, clock, cleanup },
        });
    // The log says of each line who wrote it.
    const { pid: _, ...said } = status;
    log.info(said, 'ready');
    return { api, status, failed: records.over, close: () => cleanup.run() };
  } catch (error) {
    await cleanup.run();
    throw diskError('cannot start the core', error) ?? error;
  }
}

interface ServeParts {
  options: CoreOptions;
  unwarmed: string[];
  metrics: CoreMetrics;
  descriptors: Descriptors;
  isNetworkShared: () => boolean;
  clock: Clock;
  cleanup: Cleanup;
}

/** Listens, and tells where: `info` gets the addresses, too. */
async function serve(
  api: CoreApi,
  info: CoreFacts,
  { options, unwarmed, cleanup, ...parts }: ServeParts,
): Promise<CoreStatus> {
  const { paths, log } = options;
  const { servers, moved } = await listen(api, options, parts);
  failpoint('serve.listening');
  cleanup.add('servers', () => servers.close(CALL_GRACE));
  const secure = options.security?.tls !== undefined;
  if (servers.http[1]) info.http = `${secure ? 'https' : 'http'}://${servers.http[1]}`;
  if (servers.metrics) info.metrics = `${metricsScheme(servers.metrics)}://${servers.metrics}/metrics`;
  const grpc = servers.grpc[1] ? `${secure ? 'tls' : 'tcp'}://${servers.grpc[1]}` : '';
  const status = {
    ...info,
    endpoint: `unix://${paths.grpcSocket}`,
    grpc,
    ...(moved && { moved }),
    ...(unwarmed.length > 0 && { unwarmed }),
  };
  await writeStatus(paths.status, status).catch((error: unknown) => {
    // Only a core that runs can make room: this one can be asked for what the file would have said.
    if (FsbError.from(error).code !== 'no_capacity') throw error;
    log.warn({ err: error }, 'going on without the status file');
  });
  failpoint('serve.told');
  await forgetEnded(paths.status);
  cleanup.add('status', () => removeStatus(paths.status));
  return status;
}

/** Where others can reach them there is always TLS. */
const metricsScheme = (address: string): string =>
  isLoopback(address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')) ? 'http' : 'https';

/** @returns also why usual ports gave way, if they did */
async function listen(
  api: CoreApi,
  options: CoreOptions,
  { metrics: coreMetrics, ...parts }: Omit<ServeParts, 'options' | 'unwarmed' | 'cleanup'>,
): Promise<{ servers: Servers; moved?: string }> {
  const { paths, log, grpc, usualPorts } = options;
  const start = (http?: string, metrics?: string): Promise<Servers> =>
    startServers(api, {
      grpc: [`unix://${paths.grpcSocket}`, ...(grpc ? [grpc] : [])],
      http: [`unix://${paths.httpSocket}`, ...(http ? [http] : [])],
      ...(metrics ? { metrics } : {}),
      coreMetrics,
      ...(options.security ? { security: { ...options.security, auditLog: paths.auditLog } } : {}),
      ...parts,
      ready: () => true,
      log: log.child({ component: 'server' }),
    });
  const tries = addressesToTry(options, usualPorts ?? [], paths.root);
  for (let moved: string | undefined; ; ) {
    try {
      const { http, metrics } = tries.shift()!;
      const servers = await start(http, metrics);
      if (moved !== undefined)
        log.warn({ reason: moved }, 'a usual port is taken, perhaps by another core: listening on others');
      return { servers, ...(moved && { moved }) };
    } catch (error) {
      const { code, message } = FsbError.from(error);
      if (tries.length === 0 || code !== 'unavailable') throw error;
      moved ??= message;
    }
  }
}
