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
