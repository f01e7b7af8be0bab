import { chmod, rm } from 'node:fs/promises';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { CoreApi } from '../../api/core-api.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/errors.ts';
import { type Endpoint, formatEndpoint, hostInUrl } from '../../wire/endpoint.ts';
import { FastPathServiceService } from '../../wire/gen/fastpath/v1/fastpath.ts';
import { ImageServiceService } from '../../wire/gen/fsb/v1/image.ts';
import { PoolServiceService } from '../../wire/gen/fsb/v1/pool.ts';
import { SystemServiceService } from '../../wire/gen/fsb/v1/system.ts';
import { HealthService } from '../../wire/gen/grpc/health/v1/health.ts';
import type { CreateMetrics } from '../metrics/create-metrics.ts';

import { healthService } from './health-service.ts';
import { imageService } from './image-service.ts';
import { poolService } from './pool-service.ts';
import { sandboxService } from './sandbox-service.ts';
import { systemService } from './system-service.ts';

const SERVICES = [
  'fastpath.v1.FastPathService',
  'fsb.v1.ImageService',
  'fsb.v1.PoolService',
  'fsb.v1.SystemService',
];

const SERVER_OPTIONS = {
  'grpc.max_receive_message_length': 4 * 1024 * 1024,
  'grpc.max_send_message_length': 64 * 1024 * 1024,
  'grpc.max_concurrent_streams': 1024,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  // Call statistics for a debugger that nobody attaches; they cost every call.
  'grpc.enable_channelz': 0,
};

export interface GrpcServer {
  /** Real addresses. */
  addresses: string[];
  /** New calls are refused, running ones get `graceMs` to end. Idempotent. */
  close(graceMs: number): Promise<void>;
}

export interface GrpcServerOptions {
  endpoints: Endpoint[];
  ready: () => boolean;
  metrics: CreateMetrics;
  /** Aborts when the core goes away, with the error that waiting calls get. */
  closing: AbortSignal;
  clock: Clock;
}

/** @throws unavailable when an address cannot be had */
export async function startGrpcServer(core: CoreApi, options: GrpcServerOptions): Promise<GrpcServer> {
  const server = new Server(SERVER_OPTIONS);
  server.addService(FastPathServiceService, sandboxService(core, options.metrics, options.closing));
  server.addService(ImageServiceService, imageService(core, options.closing));
  server.addService(PoolServiceService, poolService(core, options.closing));
  server.addService(SystemServiceService, systemService(core, options.closing));
  server.addService(HealthService, healthService(SERVICES, options.ready));
  try {
    const addresses: string[] = [];
    for (const endpoint of options.endpoints) addresses.push(await bind(server, endpoint));
    return { addresses, close: (graceMs) => shutDown(server, options.clock, graceMs) };
  } catch (error) {
    server.forceShutdown();
    throw error;
  }
}

async function bind(server: Server, endpoint: Endpoint): Promise<string> {
  if (endpoint.kind === 'unix') await rm(endpoint.path, { force: true });
  const target =
    endpoint.kind === 'unix' ? `unix://${endpoint.path}` : `${hostInUrl(endpoint.host)}:${endpoint.port}`;
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(target, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else
        reject(new FsbError('unavailable', `cannot listen on ${formatEndpoint(endpoint)}: ${error.message}`));
    });
  });
  if (endpoint.kind === 'tcp') return formatEndpoint({ ...endpoint, port });
  await chmod(endpoint.path, 0o600);
  return formatEndpoint(endpoint);
}

function shutDown(server: Server, clock: Clock, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(graceMs, () => server.forceShutdown());
    server.tryShutdown(() => {
      cancel();
      resolve();
    });
  });
}
