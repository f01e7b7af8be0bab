import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { BlockList, isIP } from 'node:net';

/** Addresses of this one network segment: there clouds tell whoever asks the machine's own secrets. */
const addresses = new BlockList();
addresses.addSubnet('169.254.0.0', 16, 'ipv4');
addresses.addSubnet('fe80::', 10, 'ipv6');
addresses.addAddress('fd00:ec2::254', 'ipv6');

/** No connection was made. */
export class LinkLocalAddress extends Error {
  constructor(address: string) {
    super(`it is at the link-local address ${address}, to which no registry may send its readers`);
  }
}

/** @param hostname as in an URL, or an address. False for a name, whatever it means. */
export function isLinkLocal(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const version = isIP(address);
  return version !== 0 && addresses.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Whether a server may send its readers to a host that is at a link-local address.
 * @param home its own hostname
 */
export const mayBeLinkLocal = (home: string, target: string): boolean => home === target || isLinkLocal(home);

type Found = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** As dns.lookup, for sockets: what the name means at the moment of connecting counts. Fails with LinkLocalAddress. */
export function lookupElsewhere(hostname: string, options: LookupOptions, found: Found): void {
  lookup(hostname, options, (error, address: string | LookupAddress[], family) => {
    const all = typeof address === 'string' ? [address] : (address ?? []).map((one) => one.address);
    const forbidden = error ? undefined : all.find(isLinkLocal);
    if (forbidden === undefined) found(error, address, family);
    else found(new LinkLocalAddress(forbidden), address, family);
  });
}
