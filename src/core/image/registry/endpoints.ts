import { HUB, registryHost } from '../../model/image/registry-host.ts';
import type { Certificates, Trust } from './certificates.ts';
import type { RegistriesConfiguration } from './configuration.ts';
import type { ProxyChoice } from './proxies.ts';

/** A server that has what a registry has: the registry itself, or a mirror of it. */
export interface Endpoint {
  /** For people: `docker.io`, `mirror.example.com`. */
  name: string;
  /** Tried in this order: an insecure registry may speak TLS or not. */
  bases: URL[];
  insecure: boolean;
  /** It never sees credentials, and whatever it lacks is asked of the next one. */
  mirror: boolean;
  /** It may be at a link-local address. */
  linkLocal: boolean;
  /** It may not be where only the node and its private networks reach: see Reach. */
  outside: boolean;
  trust: { own: Trust; others: Trust };
  proxyFor: ProxyChoice;
  /** The configuration file, for hints. */
  file: string;
}

/** Hosts whose registry is somewhere else. */
const ADDRESSES: Record<string, string> = { [HUB]: 'registry-1.docker.io' };

/** The mirrors of a registry in order. @param domain as registryHost() spells it, as below. @throws invalid_argument */
export async function mirrorsOf(
  domain: string,
  configuration: RegistriesConfiguration,
  certificates: Certificates,
  proxyFor: ProxyChoice,
): Promise<Endpoint[]> {
  const mirrors = configuration.registries.get(domain)?.mirrors ?? [];
  return Promise.all(
    mirrors.map(async (url) => {
      const host = registryHost(url.host) ?? url.host;
      const settings = configuration.registries.get(host);
      return {
        name: url.host,
        bases: [url],
        insecure: url.protocol === 'http:' || (settings?.insecure ?? false),
        mirror: true,
        linkLocal: true,
        outside: false,
        trust: await certificates.trustOf(host, settings),
        proxyFor,
        file: configuration.file,
      };
    }),
  );
}

/** @param outside unless the configuration names it @throws invalid_argument */
export async function registryOf(
  name: string,
  configuration: RegistriesConfiguration,
  certificates: Certificates,
  proxyFor: ProxyChoice,
  outside: boolean,
): Promise<Endpoint> {
  const settings = configuration.registries.get(name);
  const address = ADDRESSES[name] ?? name;
  const insecure = settings?.insecure ?? false;
  return {
    name,
    bases: (insecure ? ['https', 'http'] : ['https']).map((scheme) => new URL(`${scheme}://${address}`)),
    insecure,
    mirror: false,
    linkLocal: true,
    outside: outside && settings === undefined,
    trust: await certificates.trustOf(name, settings),
    proxyFor,
    file: configuration.file,
  };
}
