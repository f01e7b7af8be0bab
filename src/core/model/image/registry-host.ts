/** Docker Hub, as references name it. */
export const HUB = 'docker.io';

const HUB_NAMES: ReadonlySet<string> = new Set([HUB, 'index.docker.io', 'registry-1.docker.io']);
const LABEL = '(?:[a-z0-9]|[a-z0-9][a-z0-9-]*[a-z0-9])';
const HOST = new RegExp(String.raw`^(?:${LABEL}(?:\.${LABEL})*|\[[a-f0-9:]+\])(?::[0-9]+)?$`);

/**
 * The one spelling of a registry, by which references, registries.yaml, certs.d and docker's config.json are compared:
 * `LOCALHOST:5000` and `https://localhost:5000/v2/` are `localhost:5000`, all names of Docker Hub are `docker.io`.
 * As for docker, `host` and `host:443` are two. Idempotent.
 * @returns undefined when it is no address of a registry
 */
export function registryHost(text: string): string | undefined {
  const host = withoutPath(text).toLowerCase();
  if (HUB_NAMES.has(host)) return HUB;
  if (!HOST.test(host) || !URL.canParse(`https://${host}`)) return undefined;
  // `registry/tool` is a repository of Docker Hub: the name of such a host begins a reference only in upper case.
  return [host, host.toUpperCase()].find(beginsWithRegistry);
}

/** `https://registry.example.com/v2/` -> `registry.example.com` */
export const withoutPath = (address: string): string => address.replace(/^https?:\/\//i, '').split('/')[0]!;

/** As for docker, what stands before the first slash of a reference is a registry, or else a part of the name. */
export const beginsWithRegistry = (first: string): boolean =>
  /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
