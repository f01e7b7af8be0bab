import type { Server as SocketServer } from 'node:net';
import type { TlsOptions, Server as TlsServer } from 'node:tls';
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';
import { isLoopback } from '../model/loopback.ts';
import { type Endpoint, parseEndpoint } from '../wire/endpoint.ts';
import { AuditLog } from './access/audit-log.ts';
import { openCalls } from './auth/allowance.ts';
import { Credentials } from './auth/credentials.ts';
import { type Crowd, watchesOfHealth } from './auth/crowd.ts';
import {
  type Entrance,
  type EntranceParts,
  type Knock,
  overLoopback,
  overTls,
  overUnixSocket,
  type Visit,
} from './auth/entrance.ts';
import { Neighbours } from './auth/peer-user.ts';
import { Tenures } from './auth/tenures.ts';
import { OPEN_QUESTIONS, Throttle } from './auth/throttle.ts';
import { MOST_WITH_STREAMS } from './listen.ts';
import type { Protocol, Traffic } from './metrics/traffic.ts';
import type { Served } from './served.ts';
import { type TlsFiles, TlsIdentity } from './tls/identity.ts';
import { receive, serverTls } from './tls/reception.ts';

export interface DoorParts extends EntranceParts {
  openQuestions: Throttle;
  openWatches: Crowd;
  clock: Clock;
  log: Logger;
  /** As DoorsOptions. */
  mostWithStreams?: number;
  isNetworkShared?: () => boolean;
}

/** One listener: where it is, whether TLS is on it, and who may come in. */
export class Door {
  readonly endpoint: Endpoint;
  readonly #tls: TlsIdentity | undefined;
  readonly #parts: DoorParts;
  readonly #mostWithStreams: number;
  readonly #neighbours: Neighbours;
  #connections = 0;
  #enter: Entrance;

  /** @param tls for what listens on TCP; undefined: none */
  constructor(endpoint: Endpoint, tls: TlsIdentity | undefined, parts: DoorParts) {
    this.endpoint = endpoint;
    this.#tls = endpoint.kind === 'tcp' ? tls : undefined;
    this.#parts = parts;
    this.#mostWithStreams = parts.mostWithStreams ?? MOST_WITH_STREAMS;
    this.#neighbours = new Neighbours(parts.clock, parts.isNetworkShared);
    this.#enter = endpoint.kind === 'unix' ? overUnixSocket(parts) : overLoopback(parts, this.#neighbours);
  }

  get isSecure(): boolean {
    return this.#tls !== undefined;
  }

  /** What a server behind it is to be made with; undefined: it has no TLS. */
  get tlsOptions(): TlsOptions | undefined {
    return this.#tls && serverTls(this.#tls);
  }

  /** Before its server listens: has its connections counted, and those over loopback looked at. */
  watch(server: SocketServer, protocol: Protocol): void {
    this.#parts.traffic.watch(server, protocol);
    if (this.endpoint.kind === 'tcp' && !this.isSecure) this.#neighbours.watch(server);
    server.on('connection', (socket) => {
      this.#connections += 1;
      socket.once('close', () => {
        this.#connections -= 1;
      });
    });
  }

  /** @throws no_capacity: what is left of connections is for calls */
  assertRoomForStream(): void {
    if (this.#connections <= this.#mostWithStreams) return;
    throw new FsbError(
      'no_capacity',
      `${this.#connections} connections are open here, too many for another stream`,
      { hint: 'Try again when others have ended, or use another address of the core.' },
    );
  }

  /** Before what anybody may ask, over TCP. @param address whence @throws no_capacity: an address asks too often */
  assertMayAsk(address = ''): void {
    if (this.endpoint.kind === 'unix') return;
    const tooMany = this.#parts.openQuestions.count(address);
    if (tooMany !== undefined) throw this.refuse(tooMany);
  }

  /** As assertMayAsk, of what goes on. @returns to be called when it is over */
  mayWatch(address = ''): () => void {
    this.assertMayAsk(address);
    if (this.endpoint.kind === 'unix') return () => {};
    try {
      return this.#parts.openWatches.enter(address);
    } catch (error) {
      throw this.refuse(FsbError.from(error));
    }
  }

  /** Counts somebody who is turned away here. @returns the error, to be thrown */
  refuse(error: FsbError): FsbError {
    return this.#parts.traffic.refuse(error);
  }

  /** Before the server that was made with them listens. */
  guard(server: TlsServer): void {
    const { clock, log } = this.#parts;
    this.#enter = overTls(this.#parts, receive(server, this.#tls!, clock, log));
  }

  /** @throws as Entrance */
  enter(knock: Knock): Visit {
    try {
      return this.#enter(knock);
    } catch (error) {
      throw this.refuse(FsbError.from(error));
    }
  }
}

/** Who may call a core over TCP, besides its own user over loopback. */
export interface Security {
  /** With these, whatever listens on TCP speaks TLS; metrics only where others than this machine can reach them. */
  tls?: TlsFiles;
  /** Absolute path. */
  tokenFile?: string;
  /** One more token, whose bearer may do everything. */
  token?: string;
  /** File of the audit log of those who call with a token or a certificate. */
  auditLog?: string;
}

export interface DoorsOptions {
  grpc: string[];
  http: string[];
  metrics?: string;
  security?: Security;
  traffic: Traffic;
  /** Connections of a listener, beyond which it takes no more streams; left out: as many as cores take. */
  mostWithStreams?: number;
  /** True while what belongs to nobody's user may be at the other end of a connection over loopback; left out: never. */
  isNetworkShared?: () => boolean;
  clock: Clock;
  log: Logger;
}

export interface Doors {
  grpc: Door[];
  http: Door[];
  metrics: Door | undefined;
  close(): void;
}

/** Nothing listens yet. @throws invalid_argument (an address, a file), denied (others could reach it, or read a secret) */
export function openDoors(core: Served, options: DoorsOptions): Doors {
  const { security = {}, traffic, mostWithStreams, isNetworkShared, clock, log } = options;
  const { tls, auditLog } = security;
  const knows =
    security.tokenFile !== undefined || security.token !== undefined || tls?.clientCa !== undefined;
  if (tls !== undefined && !knows) throw nobodyCouldCall();
  const isSafe = tls !== undefined && knows;
  const endpointsOf = (texts: string[]): Endpoint[] => texts.map((text) => endpointToServe(text, isSafe));
  const endpoints = { grpc: endpointsOf(options.grpc), http: endpointsOf(options.http) };
  const metrics = options.metrics === undefined ? undefined : endpointToServe(options.metrics, isSafe);
  const identity = tls && new TlsIdentity(tls, log);
  const credentials = knows ? new Credentials({ ...security, clock, log }) : undefined;
  const audit = knows && auditLog !== undefined ? new AuditLog({ path: auditLog, clock, log }) : undefined;
  const tenures = new Tenures(clock);
  const parts = {
    core,
    calls: openCalls(),
    throttle: new Throttle(clock),
    openQuestions: new Throttle(clock, OPEN_QUESTIONS),
    openWatches: watchesOfHealth(),
    tenures,
    traffic,
    clock,
    log,
    ...(credentials && { credentials }),
    ...(mostWithStreams !== undefined && { mostWithStreams }),
    ...(isNetworkShared && { isNetworkShared }),
  };
  const doorOf = (endpoint: Endpoint): Door =>
    new Door(endpoint, identity, { ...parts, ...(audit && { audit }) });
  const isHere = metrics?.kind === 'unix' || (metrics !== undefined && isLoopback(metrics.host));
  return {
    grpc: endpoints.grpc.map(doorOf),
    http: endpoints.http.map(doorOf),
    metrics: metrics && (isHere ? new Door(metrics, undefined, parts) : doorOf(metrics)),
    close() {
      tenures.close();
      audit?.close();
    },
  };
}

const nobodyCouldCall = (): FsbError =>
  new FsbError(
    'invalid_argument',
    'there is TLS, but nobody could call: no token, and no client certificates',
    {
      hint: 'Add --token-file FILE, --generate-token or --client-ca FILE.',
    },
  );

/**
 * An address to listen on. Whoever can reach it must be kept out, or be known.
 * @param safe it has TLS, and asks who calls
 * @throws invalid_argument; denied for one that others can reach, unless it is safe
 */
function endpointToServe(text: string, safe: boolean): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint.kind === 'unix' || isLoopback(endpoint.host) || safe) return endpoint;
  throw new FsbError(
    'denied',
    `refusing to listen on ${text}: others can reach it, and there is no TLS with a token or client certificates`,
    {
      hint:
        'Add --tls-cert FILE --tls-key FILE, and --token-file FILE, --generate-token or --client-ca FILE. ' +
        'Or use 127.0.0.1, and reach it from elsewhere over ssh.',
    },
  );
}
