import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { FsbError } from '../../model/errors.ts';

/**
 * Loopback admits every user of the machine, and whoever may call the core rules what it runs. So a TCP peer must
 * belong to the user of the core (or to root), as the unix socket's mode 0600 has it: the kernel tells whose socket is
 * at the other end, as long as that is open. Of one that its owner has closed it says that it is root's, whoever that was.
 *
 * @throws denied for another user, and when the kernel does not tell
 */
export function assertOwnUser(address: string | undefined, port: number | undefined): void {
  const uids = address === undefined || port === undefined ? [] : ownersOf(address, port, readTable);
  const own = process.getuid?.() ?? 0;
  if (uids.length > 0 && uids.every((uid) => uid === own || uid === 0)) return;
  throw new FsbError('denied', 'only the user who runs this core may call it', {
    hint: 'Run the command as that user, or start a core of your own.',
  });
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
/** Of one whose owner has it closed, or shut down: nobody can tell which. */
const NOBODY = -1;

/** The users of every socket that is bound to the address and port, as /proc/net/tcp and tcp6 tell; -1: it does not tell. */
export function ownersOf(address: string, port: number, table: (name: 'tcp' | 'tcp6') => string): number[] {
  const plain = address.replace(/^::ffff:/, '');
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const local = isIPv4(plain)
    ? new Set([`${hexOfIPv4(plain)}:${hexPort}`, `0000000000000000FFFF0000${hexOfIPv4(plain)}:${hexPort}`])
    : new Set([`00000000000000000000000001000000:${hexPort}`]);
  return (['tcp', 'tcp6'] as const).flatMap((name) =>
    table(name)
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => local.has(fields[1] ?? ''))
      .map((fields) => (fields[3] === ESTABLISHED ? Number(fields[7]) : NOBODY)),
  );
}

/** 127.0.0.1 -> 0100007F: the kernel prints the address as one number of the machine's byte order. */
function hexOfIPv4(address: string): string {
  const bytes = address.split('.').map(Number).reverse();
  return bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
}
