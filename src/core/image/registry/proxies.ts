import { BlockList, isIP } from 'node:net';
import { getProxyForUrl } from 'proxy-from-env';
import { FsbError } from '../../model/failure/errors.ts';
import type { ProxySettings } from './configuration.ts';

/** Which proxy leads to an address; undefined: none. */
export type ProxyChoice = (url: URL) => URL | undefined;

/**
 * The configuration's proxies, or else those of HTTP_PROXY and HTTPS_PROXY. As with docker, this machine itself is never
 * reached through a proxy, and NO_PROXY knows networks and whole domains.
 */
export function chooseProxies(
  settings: ProxySettings | undefined,
  env: Record<string, string | undefined>,
): ProxyChoice {
  const exceptions = settings?.noProxy ?? (env.no_proxy || env.NO_PROXY || '').split(/[,\s]+/);
  return (url) => {
    if (isExempt(url, exceptions)) return undefined;
    if (settings) return url.protocol === 'https:' ? settings.https : settings.http;
    const address = getProxyForUrl(url.href);
    return address ? parseProxy(address) : undefined;
  };
}

/** What may be printed of a proxy: its address may have a password. */
export const proxyName = (proxy: URL): string => proxy.host;

/** @throws invalid_argument, without the address: it may have a password */
function parseProxy(address: string): URL {
  const proxy = URL.canParse(address) ? new URL(address) : undefined;
  if (proxy && /^https?:$/.test(proxy.protocol)) return proxy;
  const why = proxy ? `it is one of ${proxy.protocol}//` : 'it is no address';
  throw new FsbError('invalid_argument', `the proxy of the core's environment cannot be used: ${why}`, {
    hint: 'HTTPS_PROXY, HTTP_PROXY and ALL_PROXY are written like http://proxy.example.com:3128.',
  });
}

function isExempt(url: URL, exceptions: readonly string[]): boolean {
  const hostname = url.hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  if (hostname === 'localhost' || loopback.check(hostname, familyOf(hostname))) return true;
  return exceptions.some((exception) => matches(exception.trim().toLowerCase(), hostname, port));
}

function matches(exception: string, hostname: string, port: string): boolean {
  if (exception === '') return false;
  if (exception === '*') return true;
  if (exception.includes('/')) return isInNetwork(exception, hostname);
  const [, name = exception, wanted] = /^(.+?|\[.+\]):(\d+)$/.exec(isIP(exception) ? '' : exception) ?? [];
  if (wanted !== undefined && wanted !== port) return false;
  const bare = name.replace(/^\[|\]$/g, '').replace(/^\*/, '');
  if (bare.startsWith('.')) return hostname.endsWith(bare);
  return hostname === bare || (!isIP(hostname) && hostname.endsWith(`.${bare}`));
}

function isInNetwork(network: string, hostname: string): boolean {
  const [address = '', bits] = network.split('/');
  const prefix = Number(bits);
  const family = familyOf(address);
  if (!isIP(hostname) || !isIP(address) || !(prefix >= 0 && prefix <= (family === 'ipv6' ? 128 : 32)))
    return false;
  const list = new BlockList();
  list.addSubnet(address, prefix, family);
  return list.check(hostname, familyOf(hostname));
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
