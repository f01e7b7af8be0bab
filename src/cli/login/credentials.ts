import { FsbError } from '../../core/model/failure/errors.ts';
import type { RegistryCredentials } from '../../core/model/image/image-requests.ts';
import { parseReference } from '../../core/model/image/reference.ts';
import { defined } from '../command/given-only.ts';
import type { World } from '../terminal/world.ts';
import { CredentialHelper } from './credential-helper.ts';
import { type AuthEntry, DockerConfig } from './docker-config.ts';
import { keyOf, keysFor } from './registry-name.ts';

type CredentialsWorld = Pick<World, 'env' | 'cwd' | 'clock'>;

/**
 * What the user's docker knows for the registry of an image; undefined: nothing, so the pull is anonymous.
 * @throws invalid_argument for a broken config.json, or a helper that is not there
 */
export async function findCredentials(
  reference: string,
  world: CredentialsWorld,
  signal: AbortSignal,
): Promise<RegistryCredentials | undefined> {
  const store = await CredentialStore.open(world, signal);
  return store.get(parseReference(reference).domain);
}

/** Credentials of registries, where docker keeps them: in config.json, or in the helpers that it names. */
export class CredentialStore {
  readonly #config: DockerConfig;
  readonly #world: CredentialsWorld;
  readonly #signal: AbortSignal;

  private constructor(config: DockerConfig, world: CredentialsWorld, signal: AbortSignal) {
    this.#config = config;
    this.#world = world;
    this.#signal = signal;
  }

  /** @throws invalid_argument */
  static async open(world: CredentialsWorld, signal: AbortSignal): Promise<CredentialStore> {
    return new CredentialStore(await DockerConfig.read(world), world, signal);
  }

  get file(): string {
    return this.#config.file;
  }

  async get(registry: string): Promise<RegistryCredentials | undefined> {
    const helper = this.#helperFor(registry);
    if (helper !== undefined) return helper.get(keyOf(registry));
    const { auths = {} } = this.#config.content;
    const [key] = keysFor(registry, auths);
    return key === undefined ? undefined : this.#decode(key, auths[key] ?? {});
  }

  /** @returns whether they lie in plain text now */
  async store(registry: string, credentials: RegistryCredentials): Promise<{ plain: boolean }> {
    const helper = this.#helperFor(registry);
    await helper?.store(keyOf(registry), credentials);
    // As docker does, a helper's registry has an empty entry, from which one sees that somebody is logged in.
    const entry = helper === undefined ? encode(credentials) : {};
    await this.#config.editAuths((auths) => {
      auths[keyOf(registry)] = entry;
    }, this.#signal);
    return { plain: helper === undefined };
  }

  /** @returns false when there were none */
  async erase(registry: string): Promise<boolean> {
    const helper = this.#helperFor(registry);
    const kept = helper === undefined ? undefined : await helper.get(keyOf(registry));
    if (kept !== undefined) await helper?.erase(keyOf(registry));
    const keys = keysFor(registry, this.#config.content.auths);
    if (keys.length > 0)
      await this.#config.editAuths((auths) => {
        for (const key of keysFor(registry, auths)) delete auths[key];
      }, this.#signal);
    return kept !== undefined || keys.length > 0;
  }

  #helperFor(registry: string): CredentialHelper | undefined {
    const { credHelpers = {}, credsStore } = this.#config.content;
    const [key] = keysFor(registry, credHelpers);
    const name = (key === undefined ? undefined : credHelpers[key]) || credsStore;
    return name ? new CredentialHelper(name, this.#world, this.#signal) : undefined;
  }

  #decode(key: string, entry: AuthEntry): RegistryCredentials | undefined {
    const pair = entry.auth ? this.#pairOf(key, entry.auth) : {};
    const found = defined({
      username: pair.username || entry.username || undefined,
      password: pair.password || entry.password || undefined,
      identityToken: entry.identitytoken || undefined,
      registryToken: entry.registrytoken || undefined,
    });
    return Object.keys(found).length === 0 ? undefined : found;
  }

  #pairOf(key: string, auth: string): { username?: string; password?: string } {
    const text = Buffer.from(auth, 'base64').toString('utf8');
    const colon = text.indexOf(':');
    if (colon > 0)
      // Docker of old filled it up with NUL.
      return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') };
    throw new FsbError(
      'invalid_argument',
      `docker's configuration ${this.file} cannot be used: the auth of ${key} is not base64 of user:password`,
      { hint: 'Mend the file, or log in anew after taking out that entry.' },
    );
  }
}

/** A token is kept instead of the password. Docker refuses an `auth` that names nobody. */
function encode({ username, password = '', identityToken, registryToken }: RegistryCredentials): AuthEntry {
  const pair = `${username}:${identityToken === undefined ? password : ''}`;
  return defined({
    auth: username ? Buffer.from(pair).toString('base64') : undefined,
    identitytoken: identityToken,
    registrytoken: registryToken,
  });
}
