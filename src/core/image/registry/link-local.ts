import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';

/** Addresses of this one network segment: there clouds tell whoever asks the machine's own secrets. */
const addresses = new BlockList();
addresses.addSubnet('169.254.0.0', 16, 'ipv4');
addresses.addSubnet('fe80::', 10, 'ipv6');
addresses.addAddress('fd00:ec2::254', 'ipv6');

/** Addresses of the node itself, and of networks that are not everybody's: theirs are in use in many places, and mean others in each. */
const inner = new BlockList();
for (const network of ['127.0.0.0', '0.0.0.0', '10.0.0.0']) inner.addSubnet(network, 8, 'ipv4');
inner.addSubnet('172.16.0.0', 12, 'ipv4');
inner.addSubnet('192.168.0.0', 16, 'ipv4');
inner.addSubnet('100.64.0.0', 10, 'ipv4');
for (const address of ['::1', '::']) inner.addAddress(address, 'ipv6');
inner.addSubnet('fc00::', 7, 'ipv6');

/** No connection was made: it is not for every caller. */
export class InnerAddress extends Error {
  constructor(address: string) {
    super(`it is at ${address}, which is of the core's machine or of a network around it`);
  }
}

/** No connection was made. */
export class LinkLocalAddress extends Error {
  constructor(address: string) {
    super(`it is at the link-local address ${address}, to which no registry may send its readers`);
  }
}

/** @param hostname as in an URL, or an address. False for a name, whatever it means. */
export const isLinkLocal = (hostname: string): boolean => isIn(addresses, hostname);

function isIn(list: BlockList, hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Whether a server may send its readers to a host that is at a link-local address.
 * @param home its own hostname
 */
export const mayBeLinkLocal = (home: string, target: string): boolean => home === target || isLinkLocal(home);

/** How far a request goes. */
export interface Reach {
  /** It may be at a link-local address: the user or the administrator named it, and no other server. */
  linkLocal?: boolean;
  /** For a caller to whom nothing is open that only the node and its private networks reach, whoever named it. */
  outside?: boolean;
}

/** @param hostname as isLinkLocal. Undefined: it may be reached, or it is a name, whatever it means. */
export function forbidden(
  hostname: string,
  { linkLocal = false, outside = false }: Reach,
): Error | undefined {
  if (outside && (isLinkLocal(hostname) || isIn(inner, hostname))) return new InnerAddress(hostname);
  return linkLocal || !isLinkLocal(hostname) ? undefined : new LinkLocalAddress(hostname);
}

type Found = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** As dns.lookup, for sockets: what the name means at the moment of connecting counts. Fails as `forbidden` says. */
export const lookupWithin =
  (reach: Reach) =>
  (hostname: string, options: LookupOptions, found: Found): void =>
    lookup(hostname, options, (error, address: string | LookupAddress[], family) => {
      const all = typeof address === 'string' ? [address] : (address ?? []).map((one) => one.address);
      const [refused] = error ? [] : all.flatMap((one) => forbidden(one, reach) ?? []);
      found(refused ?? error, address, family);
    });
