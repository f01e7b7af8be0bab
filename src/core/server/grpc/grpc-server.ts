import { once } from 'node:events';
import { chmod, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/errors.ts';
import { type Endpoint, formatEndpoint, hostInUrl } from '../../wire/endpoint.ts';
import { LONGEST_ANSWER, LONGEST_QUESTION } from '../../wire/rpc-over-http.ts';
import type { Door } from '../doors.ts';
import { Admission } from './admit.ts';
import type { Service } from './services.ts';

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
  /** The real one. */
  address: string;
  /** New calls are refused, running ones get `graceMs` to end. Idempotent. */
  close(graceMs: number): Promise<void>;
}

/** @throws unavailable when the address cannot be had */
export async function startGrpcServer(services: Service[], door: Door, clock: Clock): Promise<GrpcServer> {
  const admission = new Admission(services, (knock) => door.enter(knock));
  const server = new Server({ ...SERVER_OPTIONS, interceptors: [admission.interceptor] });
  for (const service of services) server.addService(service.definition, admission.methodsOf(service));
  try {
    if (door.tlsOptions !== undefined) return await bindTls(server, door, clock);
    const address = await bind(server, door.endpoint);
    return { address, close: (graceMs) => shutDown(server, clock, graceMs) };
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
      else reject(cannotListen(endpoint, error));
    });
  });
  if (endpoint.kind === 'tcp') return formatEndpoint({ ...endpoint, port });
  await chmod(endpoint.path, 0o600);
  return formatEndpoint(endpoint);
}

/** TLS ends in a server of ours, which has limits, and certificates that are always the newest; the library has neither. */
async function bindTls(server: Server, door: Door, clock: Clock): Promise<GrpcServer> {
  const endpoint = door.endpoint as Endpoint & { kind: 'tcp' };
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listener = createTlsServer({ ...door.tlsOptions, ALPNProtocols: ['h2'] });
  door.guard(listener);
  listener.on('secureConnection', (socket) => injector.injectConnection(socket));
  const listening = once(listener, 'listening');
  listener.listen({ host: endpoint.host, port: endpoint.port });
  await listening.catch((error: Error) => {
    throw cannotListen(endpoint, error);
  });
  const { port } = listener.address() as AddressInfo;
  return {
    address: formatEndpoint({ ...endpoint, port }),
    close: (graceMs) => {
      listener.close();
      return shutDown(server, clock, graceMs);
    },
  };
}

const cannotListen = (endpoint: Endpoint, { message }: Error): FsbError =>
  new FsbError('unavailable', `cannot listen on ${formatEndpoint(endpoint)}: ${message}`);

function shutDown(server: Server, clock: Clock, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(graceMs, () => server.forceShutdown());
    server.tryShutdown(() => {
      cancel();
      resolve();
    });
  });
}
