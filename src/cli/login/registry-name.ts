import { FsbError } from '../../core/model/errors.ts';
import { parseReference } from '../../core/model/reference.ts';

const HUB = 'docker.io';
const HUB_NAMES: ReadonlySet<string> = new Set([HUB, 'index.docker.io', 'registry-1.docker.io']);
/** What docker calls Docker Hub in its config.json and to credential helpers, for reasons of history. */
const HUB_KEY = 'https://index.docker.io/v1/';

/** Without scheme and path: `https://registry.example.com/v2/` is `registry.example.com`. */
const hostnameOf = (address: string): string => address.replace(/^https?:\/\//, '').split('/')[0]!;

/**
 * The registry that a user means, as it stands at the beginning of a reference; Docker Hub when nothing is said.
 * @throws invalid_argument
 */
export function registryName(text: string | undefined): string {
  const host = hostnameOf(text ?? HUB);
  if (HUB_NAMES.has(host)) return HUB;
  try {
    // What no reference can name is no registry.
    if (parseReference(`${host}/a`).domain === host) return host;
  } catch {
    // Said below.
  }
  throw new FsbError('invalid_argument', `invalid registry ${JSON.stringify(text)}`, {
    hint: 'Write it like registry.example.com or localhost:5000; without one, Docker Hub is meant.',
  });
}

/** The registry's key in docker's config.json, and its name to credential helpers. */
export const keyOf = (registry: string): string => (registry === HUB ? HUB_KEY : registry);

/** The keys of a table of docker's that mean this registry, the best first. */
export function keysFor(registry: string, table: Record<string, unknown> = {}): string[] {
  const key = keyOf(registry);
  const others = Object.keys(table).filter((other) => other !== key && isKeyOf(registry, other));
  return Object.hasOwn(table, key) ? [key, ...others] : others;
}

const isKeyOf = (registry: string, key: string): boolean => {
  const host = hostnameOf(key);
  return registry === HUB ? HUB_NAMES.has(host) : host === registry;
};
