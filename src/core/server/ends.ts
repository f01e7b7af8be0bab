import { isIPv6 } from 'node:net';

/** The two ends of a connection, as a socket has them; none over a unix socket, and when it has gone. */
export interface Ends {
  remoteAddress?: string | undefined;
  remotePort?: number | undefined;
  localAddress?: string | undefined;
  localPort?: number | undefined;
}

/** Who is at the other end: `192.0.2.1:40000`, `::1:40000`; empty when there are no ends. */
export const peerOf = ({ remoteAddress, remotePort }: Ends): string =>
  remoteAddress === undefined ? '' : `${remoteAddress}:${remotePort}`;

/** Which connection it is. Its peer alone does not tell: one port of theirs may have one to each address of this machine. */
export const connectionOf = (ends: Ends): string =>
  ends.remoteAddress === undefined ? '' : `${peerOf(ends)} ${ends.localAddress}:${ends.localPort}`;

/**
 * Whom to count somebody as who comes from an address: one has as many of an IPv6 network (/64), and of this machine (127/8),
 * as one likes.
 */
export function sourceOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  if (!isIPv6(plain)) return plain.startsWith('127.') ? '127.0.0.0/8' : plain;
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  return [...groups, ...Array(missing).fill('0'), ...(tail ?? '').split(':')].slice(0, 4).join(':');
}
