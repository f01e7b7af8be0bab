import { createServer, type Socket, type Server as SocketServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { LONGEST_ANSWER, LONGEST_QUESTION } from '../../wire/rpc-over-http.ts';
import type { Door } from '../door.ts';
import { listen } from '../listen.ts';
import { Admission, type AdmissionParts } from './admit.ts';
import { libraryStatus } from './library-status.ts';
import { plainMessages } from './plain-messages.ts';
import type { Service } from './services.ts';
import { shortenDeadlines } from './timeout-header.ts';

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

export interface GrpcServerParts extends Omit<AdmissionParts, 'enter' | 'mayAsk' | 'mayWatch'> {
  door: Door;
  limits?: GrpcLimits;
}

export interface GrpcServer {
  /** The real one. */
  address: string;
  /** New calls are refused, running ones get `graceMs` to end. Idempotent. */
  close(graceMs: number): Promise<void>;
}

/**
 * The sockets are ours and not the library's, which neither takes many at once, nor lets go of one that says nothing, nor
 * takes up new certificates.
 * @throws unavailable when the address cannot be had
 */
export async function startGrpcServer(
  services: Service[],
  { door, limits, ...parts }: GrpcServerParts,
): Promise<GrpcServer> {
  const admission = new Admission(services, {
    ...parts,
    enter: (knock) => door.enter(knock),
    mayAsk: (address) => door.assertMayAsk(address),
    mayWatch: (address) => door.mayWatch(address),
  });
  const interceptors = [libraryStatus, plainMessages, admission.interceptor];
  const server = new Server({ ...SERVER_OPTIONS, ...limits, interceptors });
  for (const service of services) server.addService(service.definition, admission.methodsOf(service));
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  shortenDeadlines(server);
  const listener = listenerBehind(door, (socket) => injector.injectConnection(socket));
  door.watch(listener, 'grpc');
  const sockets = new Set<Socket>();
  listener.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const close = async (graceMs: number): Promise<void> => {
    const cancel = parts.clock.after(graceMs, () => {
      for (const socket of sockets) socket.destroy();
    });
    // Its own word for the end never comes when it has just ended a connection for silence. Without connections it is over.
    server.tryShutdown(() => {});
    await closed(listener);
    cancel();
  };
  try {
    return { address: await listen(listener, door.endpoint), close };
  } catch (error) {
    await close(0);
    throw error;
  }
}

function listenerBehind(door: Door, take: (socket: Socket) => void): SocketServer {
  if (door.tlsOptions === undefined) return createServer(take);
  const listener = createTlsServer({ ...door.tlsOptions, ALPNProtocols: ['h2'] }, take);
  door.guard(listener);
  return listener;
}

const closed = (listener: SocketServer): Promise<void> =>
  new Promise((resolve) => listener.close(() => resolve()));
