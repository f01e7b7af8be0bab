import { FsbError } from '../../core/model/failure/errors.ts';
import { beginsWithRegistry, HUB, registryHost, withoutPath } from '../../core/model/image/registry-host.ts';

/** What docker calls Docker Hub in its config.json and to credential helpers, for reasons of history. */
const HUB_KEY = 'https://index.docker.io/v1/';

/**
 * The registry that a user means, as it stands at the beginning of a reference; Docker Hub when nothing is said.
 * @throws invalid_argument
 */
export function registryName(text: string | undefined): string {
  if (text === undefined) return HUB;
  const registry = registryHost(text);
  // What no reference can name is no registry.
  if (registry !== undefined && beginsWithRegistry(withoutPath(text))) return registry;
  throw new FsbError('invalid_argument', `invalid registry ${JSON.stringify(text)}`, {
    hint: 'Write it like registry.example.com or localhost:5000; without one, Docker Hub is meant.',
  });
}

/** The registry's key in docker's config.json, and its name to credential helpers. */
export const keyOf = (registry: string): string => (registry === HUB ? HUB_KEY : registry);

/** The keys of a table of docker's that mean this registry, the best first. */
export function keysFor(registry: string, table: Record<string, unknown> = {}): string[] {
  const key = keyOf(registry);
  const others = Object.keys(table).filter((other) => other !== key && registryHost(other) === registry);
  return Object.hasOwn(table, key) ? [key, ...others] : others;
}
