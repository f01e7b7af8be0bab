import { readFileSync } from 'node:fs';
import { isIPv4, type Socket, type Server as SocketServer } from 'node:net';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import { connectionOf } from '../ends.ts';

/** Milliseconds for a connection to show that it is no stranger's: after that a stranger does not keep it. */
const PATIENCE = 20_000;

/** One end of a TCP connection. */
export interface End {
  address: string;
  port: number;
}

/**
 * Loopback admits every user of the machine, and whoever may call the core rules what it runs. So a TCP peer must
 * belong to the user of the core (or to root), as the unix socket's mode 0600 has it: the kernel tells whose socket is
 * at the other end.
 *
 * It is asked once for each connection, when something first comes over it: with thousands of them its table is long. Of a
 * socket that its owner has closed it says that it is root's, whoever that was.
 *
 * A sandbox in the network of this machine is root's, too, for all that the kernel tells: while there is one, nobody is known
 * by their user who was not before.
 *
 * Others may ask whether the core is there, and then have to make room.
 */
export class Neighbours {
  readonly #clock: Clock;
  readonly #isNetworkShared: () => boolean;
  readonly #sockets = new Map<string, Neighbour>();

  /** @param isNetworkShared a sandbox may be at the other end of a connection */
  constructor(clock: Clock, isNetworkShared = () => false) {
    this.#clock = clock;
    this.#isNetworkShared = isNetworkShared;
  }

  /** Before the server listens. */
  watch(server: SocketServer): void {
    server.on('connection', (socket: Socket) => {
      const connection = connectionOf(socket);
      const neighbour: Neighbour = { socket };
      this.#sockets.set(connection, neighbour);
      const inTime = this.#clock.after(PATIENCE, () => {
        if (!neighbour.wasLetIn && !this.#isOwn(neighbour)) socket.destroy();
      });
      socket.once('close', () => {
        inTime();
        // Somebody else may have the port by now.
        if (this.#sockets.get(connection)?.socket === socket) this.#sockets.delete(connection);
      });
    });
  }

  /** @param connection as connectionOf @throws denied for another user, and when the kernel does not tell */
  assertOwn(connection: string): void {
    const neighbour = this.#sockets.get(connection);
    if (neighbour !== undefined && this.#isOwn(neighbour)) return;
    if (this.#isNetworkShared()) throw mayBeSandbox();
    throw new FsbError('denied', 'only the user who runs this core may call it', {
      hint: 'Run the command as that user, or start a core of your own.',
    });
  }

  #isOwn(neighbour: Neighbour): boolean {
    if (neighbour.isOwn === undefined && !this.#isNetworkShared())
      neighbour.isOwn = isOfOwnUser(neighbour.socket);
    return neighbour.isOwn === true;
  }

  /** Somebody has shown a token over it: it is theirs for as long as they like. */
  letIn(connection: string): void {
    const neighbour = this.#sockets.get(connection);
    if (neighbour !== undefined) neighbour.wasLetIn = true;
  }
}

const mayBeSandbox = (): FsbError =>
  new FsbError(
    'denied',
    'a sandbox shares the network of this machine: nobody is known by their user over TCP',
    {
      hint: 'Use the unix socket, as fsb-ctl does, or give the core a token (--token-file, --generate-token).',
    },
  );

interface Neighbour {
  socket: Socket;
  /** Undefined: it was not asked for. */
  isOwn?: boolean;
  wasLetIn?: true;
}

function isOfOwnUser({ remoteAddress, remotePort, localAddress, localPort }: Socket): boolean {
  if (remoteAddress === undefined || remotePort === undefined) return false;
  if (localAddress === undefined || localPort === undefined) return false;
  const [peer, here] = [
    { address: remoteAddress, port: remotePort },
    { address: localAddress, port: localPort },
  ];
  const uids = ownersOf(peer, here, readTable);
  const own = process.getuid?.() ?? 0;
  return uids.length > 0 && uids.every((uid) => uid === own || uid === 0);
}

const readTable = (name: 'tcp' | 'tcp6'): string => {
  try {
    return readFileSync(`/proc/net/${name}`, 'latin1');
  } catch {
    return '';
  }
};

/** Of a connection that both ends have open. In every other state the socket may have no owner any more, which reads as 0. */
const ESTABLISHED = '01';
/** Of one whose owner has closed it, or shut it down: nobody can tell which. */
const NOBODY = -1;

/** The users of the peer's end of a connection, as /proc/net/tcp and tcp6 tell; -1: they do not. */
export function ownersOf(peer: End, here: End, table: (name: 'tcp' | 'tcp6') => string): number[] {
  const ends = spelled(peer).flatMap((from) => spelled(here).map((to) => ` ${from} ${to} `));
  return (['tcp', 'tcp6'] as const).flatMap((name) => {
    const text = table(name);
    return ends.flatMap((both) => linesWith(text, both)).map(ownerOf);
  });
}

/** Not all of them are taken apart: there may be thousands. */
function linesWith(text: string, part: string): string[] {
  const lines: string[] = [];
  for (let at = text.indexOf(part); at !== -1; at = text.indexOf(part, at + 1))
    lines.push(text.slice(text.lastIndexOf('\n', at) + 1, text.indexOf('\n', at)));
  return lines;
}

function ownerOf(line: string): number {
  const fields = line.trim().split(/\s+/);
  return fields[3] === ESTABLISHED ? Number(fields[7]) : NOBODY;
}

/** As the kernel prints it, in either table. */
function spelled({ address, port }: End): string[] {
  const plain = address.replace(/^::ffff:/, '');
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  return isIPv4(plain)
    ? [`${hexOfIPv4(plain)}:${hexPort}`, `0000000000000000FFFF0000${hexOfIPv4(plain)}:${hexPort}`]
    : [`00000000000000000000000001000000:${hexPort}`];
}

/** 127.0.0.1 -> 0100007F: the kernel prints the address as one number of the machine's byte order. */
function hexOfIPv4(address: string): string {
  const bytes = address.split('.').map(Number).reverse();
  return bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
}
