import type { Server as SocketServer } from 'node:net';
import type { TlsOptions, Server as TlsServer } from 'node:tls';
import type { Logger } from 'pino';
import type { Clock } from '../model/clock.ts';
import { FsbError } from '../model/failure/errors.ts';
import type { Endpoint } from '../wire/endpoint.ts';
import type { Crowd } from './auth/crowd.ts';
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
import type { Throttle } from './auth/throttle.ts';
import { MOST_WITH_STREAMS } from './listen.ts';
import type { Protocol } from './metrics/traffic.ts';
import type { TlsIdentity } from './tls/identity.ts';
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
