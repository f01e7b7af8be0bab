import { chmod, rm } from 'node:fs/promises';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/errors.ts';
import { type Endpoint, formatEndpoint, hostInUrl } from '../../wire/endpoint.ts';
import { LONGEST_ANSWER, LONGEST_QUESTION } from '../../wire/rpc-over-http.ts';
import { libraryStatus } from './library-status.ts';
import type { Service } from './services.ts';

/** Of the library; each can be another one. */
export type GrpcLimits = Partial<typeof SERVER_OPTIONS>;

const SERVER_OPTIONS = {
  'grpc.max_receive_message_length': LONGEST_QUESTION,
  'grpc.max_send_message_length': LONGEST_ANSWER,
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

/** @throws unavailable when an address cannot be had */
export async function startGrpcServer(
  services: Service[],
  { endpoints, clock, limits }: { endpoints: Endpoint[]; clock: Clock; limits?: GrpcLimits },
): Promise<GrpcServer> {
  const server = new Server({ ...SERVER_OPTIONS, ...limits, interceptors: [libraryStatus] });
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  try {
    const addresses: string[] = [];
    for (const endpoint of endpoints) addresses.push(await bind(server, endpoint));
    return { addresses, close: (graceMs) => shutDown(server, clock, graceMs) };
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
