import type { Logger } from 'pino';
import type { AgentApi } from './api/agent-api.ts';
import type { SandboxApi } from './api/sandbox-api.ts';
import { coreApi, coreFacts } from './assemble-api.ts';
import { Cleanup } from './cleanup.ts';
import { openGround } from './ground.ts';
import { type Clock, systemClock } from './model/clock.ts';
import { diskError } from './model/failure/disk-failure.ts';
import { FsbError } from './model/failure/errors.ts';
import { failpoint } from './model/failure/failpoint.ts';
import type { CorePaths } from './model/paths.ts';
import { startNode } from './node/local-node.ts';
import type { Security } from './server/doors.ts';
import { createCoreMetrics } from './server/metrics/core-metrics.ts';
import { type Servers, startServers } from './server/servers.ts';

export interface AgentDaemonOptions {
  paths: CorePaths;
  /** Directory of fsb-init and fsb-launch. */
  guestDirectory: string;
  version: string;
  /** As in CoreOptions. */
  pool: Record<string, unknown>;
  /** Where it listens besides its unix sockets, `host:port`; left out: nowhere. */
  grpc?: string;
  http?: string;
  security?: Omit<Security, 'auditLog'>;
  logSize?: number;
  logRetention?: number;
  lockWait?: number;
  log: Logger;
  clock?: Clock;
  /** As in CoreOptions. */
  onLockLost: () => void;
}

export interface RunningAgent {
  agent: AgentApi;
  servers: Pick<Servers, 'grpc' | 'http'>;
  /** As of RunningCore. */
  failed: Promise<FsbError>;
  /** Running sandboxes live on and are taken up by the next one. Idempotent. */
  close(): Promise<void>;
}

/** Milliseconds that calls under way may take when it ends. */
const CALL_GRACE = 5_000;

/**
 * A node without a controller: one elsewhere runs its sandboxes here, through client/connect-agent.ts.
 * @throws as startCore
 */
export async function startAgent(options: AgentDaemonOptions): Promise<RunningAgent> {
  const { paths, log, clock = systemClock, security } = options;
  const cleanup = new Cleanup(log, clock);
  try {
    const ground = await openGround({ ...options, clock }, cleanup);
    const { records, tally } = ground;
    const metrics = createCoreMetrics(clock, { tally, storeSize: () => records.health().size });
    const meter = metrics.pool.bind(metrics);
    const { agent, probe, upkeep, isNetworkShared } = await startNode(
      { ...options, ...ground, clock, meter },
      cleanup,
    );
    const facts = { version: options.version, root: paths.root, startedAt: clock.now() };
    const info = coreFacts({ ...facts, probe });
    const kept = { ...upkeep, removeSetAside: elsewhere };
    const close = async (): Promise<void> => {};
    const core = coreApi({ sandboxes: noSandboxes, agent, upkeep: kept, info }, close);
    const servers = await startServers(
      { ...core, agent },
      {
        grpc: [`unix://${paths.grpcSocket}`, ...(options.grpc ? [options.grpc] : [])],
        http: [`unix://${paths.httpSocket}`, ...(options.http ? [options.http] : [])],
        coreMetrics: metrics,
        ...(security && { security: { ...security, auditLog: paths.auditLog } }),
        descriptors: ground.descriptors,
        isNetworkShared,
        ready: () => true,
        ...{ clock, log },
      },
    );
    failpoint('serve.listening');
    cleanup.add('servers', () => servers.close(CALL_GRACE));
    return { agent, servers, failed: records.over, close: () => cleanup.run() };
  } catch (error) {
    await cleanup.run();
    throw diskError('cannot start the node', error) ?? error;
  }
}

/** Which sandboxes there are, and what nobody wants, only the controller can say. */
const elsewhere = (): never => {
  throw new FsbError('unsupported', 'this node runs sandboxes for a controller elsewhere', {
    hint: 'Ask that one.',
  });
};

const noSandboxes = new Proxy({} as SandboxApi, { get: () => elsewhere });
