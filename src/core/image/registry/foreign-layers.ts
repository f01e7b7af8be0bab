import type { BlobQuestion } from './blob.ts';
import type { Connection } from './connection.ts';
import type { Endpoint } from './endpoints.ts';
import { mayBeLinkLocal } from './link-local.ts';
import { printable } from './refusals.ts';
import type { RemoteBlob } from './registries.ts';

/** Layers that registries must not hand out lie where their maker says: other servers, in the registry's own words. */

const MOST_URLS = 8;

/** Where a blob may be read besides, and why not at the other addresses that its manifest has for it. */
export interface Elsewhere {
  places: Map<Connection, BlobQuestion>;
  refused: string[];
}

/** @param connectionTo a string says why it must not be read from */
export function elsewhere(
  blob: RemoteBlob,
  task: string,
  connectionTo: (url: URL) => Connection | string,
): Elsewhere {
  const { urls = [] } = blob;
  const places = new Map<Connection, BlobQuestion>();
  const refused: string[] = [];
  for (const text of urls.slice(0, MOST_URLS)) {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const connection = url ? connectionTo(url) : 'it is no address';
    if (typeof connection === 'string') refused.push(`not read from ${printable(text, [])}: ${connection}`);
    else places.set(connection, { path: `${url!.pathname}${url!.search}`, blob, task });
  }
  if (urls.length > MOST_URLS) refused.push(`only ${MOST_URLS} of its ${urls.length} addresses are tried`);
  return { places, refused };
}

/** The server at an address that a manifest names: its maker, not the administrator. A string: why it must not be read from. */
export function foreignEndpoint(url: URL, registry: Endpoint, outside: boolean): Endpoint | string {
  if (!/^https?:$/.test(url.protocol)) return 'only https is spoken';
  if (url.protocol === 'http:' && !registry.insecure) return 'it is not encrypted';
  const { others } = registry.trust;
  return {
    ...registry,
    name: url.host,
    bases: [new URL(url.origin)],
    mirror: true,
    outside,
    linkLocal: registry.bases.some(({ hostname }) => mayBeLinkLocal(hostname, url.hostname)),
    trust: { own: others, others },
  };
}
