import type { CoreApi } from '../../core/api/core-api.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { RegistryCredentials } from '../../core/model/image/image-requests.ts';
import type { Asking } from '../terminal/prompts.ts';
import { credentialsForLogin, type LoginFlags } from './login-input.ts';

export interface LoginOptions {
  core(): Promise<Pick<CoreApi, 'images'>>;
  asking: Asking;
  /** Tells people how it goes. */
  say(text: string): Promise<void>;
}

/** How a user comes to credentials that a registry takes. */
export class RegistryLogin {
  readonly #registry: string;
  readonly #options: LoginOptions;

  constructor(registry: string, options: LoginOptions) {
    this.#registry = registry;
    this.#options = options;
  }

  /**
   * Those of the flags, of standard input, or of the user; when nothing was said, those that are kept are tried first.
   * @returns what to keep: a token instead of the password, where the registry gives one
   * @throws unauthenticated, unavailable; what credentialsForLogin() does
   */
  async credentials(
    flags: LoginFlags,
    getKept: () => Promise<RegistryCredentials | undefined>,
  ): Promise<RegistryCredentials> {
    const isSaid = flags.username !== undefined || flags.password !== undefined || flags['password-stdin'];
    const kept = isSaid ? undefined : await getKept();
    const stillGood = await this.#try(kept);
    if (stillGood !== undefined) return stillGood;
    return this.#check(await credentialsForLogin(flags, this.#options.asking, kept));
  }

  /** Undefined: there are none, or they are not good any more. */
  async #try(kept: RegistryCredentials | undefined): Promise<RegistryCredentials | undefined> {
    if (kept === undefined) return undefined;
    await this.#options.say('Authenticating with existing credentials...');
    try {
      return await this.#check(kept);
    } catch (error) {
      const { code, message } = FsbError.from(error);
      if (code !== 'unauthenticated') throw error;
      await this.#options.say(`Login did not succeed: ${message}`);
      return undefined;
    }
  }

  async #check(credentials: RegistryCredentials): Promise<RegistryCredentials> {
    const { core, asking } = this.#options;
    const { images } = await core();
    const { identityToken } = await images.login({ registry: this.#registry, credentials }, asking);
    if (identityToken === undefined) return credentials;
    const { username } = credentials;
    return username === undefined ? { identityToken } : { username, identityToken };
  }
}
