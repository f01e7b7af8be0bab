import { createServer, type Socket, type Server as SocketServer } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Clock } from '../../model/clock.ts';
import type { Endpoint } from '../../wire/endpoint.ts';
import { LONGEST_ANSWER, LONGEST_QUESTION } from '../../wire/rpc-over-http.ts';
import { listen } from '../listen.ts';
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

/**
 * The sockets are ours and not the library's, which neither takes many at once nor lets go of one that says nothing.
 * @throws unavailable when an address cannot be had
 */
export async function startGrpcServer(
  services: Service[],
  { endpoints, clock, limits }: { endpoints: Endpoint[]; clock: Clock; limits?: GrpcLimits },
): Promise<GrpcServer> {
  const server = new Server({ ...SERVER_OPTIONS, ...limits, interceptors: [libraryStatus] });
  for (const { definition, implementation } of services) server.addService(definition, implementation);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  const take = (socket: Socket): void => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    injector.injectConnection(socket);
  };
  const listeners: SocketServer[] = [];
  const close = async (graceMs: number): Promise<void> => {
    const cancel = clock.after(graceMs, () => {
      for (const socket of sockets) socket.destroy();
    });
    // Its own word for the end never comes when it has just ended a connection for silence. Without connections it is over.
    server.tryShutdown(() => {});
    await Promise.all(listeners.map(closed));
    cancel();
  };
  try {
    const addresses: string[] = [];
    for (const endpoint of endpoints) {
      const listener = createServer(take);
      addresses.push(await listen(listener, endpoint));
      listeners.push(listener);
    }
    return { addresses, close };
  } catch (error) {
    await close(0);
    throw error;
  }
}

const closed = (listener: SocketServer): Promise<void> =>
  new Promise((resolve) => listener.close(() => resolve()));
