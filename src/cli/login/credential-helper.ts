import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { FsbError } from '../../core/model/failure/errors.ts';
import type { RegistryCredentials } from '../../core/model/image/image-requests.ts';
import { printable } from '../output/output.ts';
import { childEnvironment } from '../terminal/child-environment.ts';
import type { World } from '../terminal/world.ts';

/** The user name under which helpers keep a token. */
const TOKEN_USER = '<token>';
const NOT_FOUND = /credentials not found/i;

/** A text of a helper that was given this secret, plain or as JSON has it. */
function without(secret: string, text: string): string {
  const forms = [secret, JSON.stringify(secret).slice(1, -1)].filter((form) => form !== '');
  return forms.reduce((clean, form) => clean.replaceAll(form, '***'), text);
}

/** A program `docker-credential-NAME` that keeps credentials outside of config.json: `desktop`, `pass`, `ecr-login`. */
export class CredentialHelper {
  readonly program: string;
  readonly #world: Pick<World, 'env'>;
  readonly #signal: AbortSignal;

  /** @throws invalid_argument */
  constructor(name: string, world: Pick<World, 'env'>, signal: AbortSignal) {
    // With a slash it would be any program of the disk.
    if (!/^[\w.-]+$/.test(name))
      throw new FsbError('invalid_argument', `invalid credential helper ${JSON.stringify(name)}`, {
        hint: "Mend credsStore or credHelpers in docker's config.json.",
      });
    this.program = `docker-credential-${name}`;
    this.#world = world;
    this.#signal = signal;
  }

  /** Undefined when it has none for this server. */
  async get(server: string): Promise<RegistryCredentials | undefined> {
    const answer = await this.#run('get', server);
    if (answer === undefined) return undefined;
    const { Username: username, Secret: secret } = this.#parse(answer);
    if (secret === '') return undefined;
    return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret };
  }

  async store(
    server: string,
    { username = '', password = '', identityToken }: RegistryCredentials,
  ): Promise<void> {
    const [Username, Secret] =
      identityToken === undefined ? [username, password] : [TOKEN_USER, identityToken];
    await this.#run('store', JSON.stringify({ ServerURL: server, Username, Secret }), Secret);
  }

  /** Nothing happens when it has none. */
  async erase(server: string): Promise<void> {
    await this.#run('erase', server);
  }

  #parse(answer: string): { Username: string; Secret: string } {
    try {
      const { Username = '', Secret = '' } = JSON.parse(answer) as Record<string, unknown>;
      if (typeof Username === 'string' && typeof Secret === 'string') return { Username, Secret };
    } catch {
      // The answer may hold a password: not even its fault is shown.
    }
    throw this.#failed('get', 'its answer is not what docker asks of a helper');
  }

  /** What goes in and comes out are pipes: a command line is for everybody to read. */
  async #run(action: 'get' | 'store' | 'erase', input: string, secret = ''): Promise<string | undefined> {
    const child = spawn(this.program, [action], {
      env: childEnvironment(this.#world.env),
      signal: this.#signal,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    // A helper may end without having read.
    child.stdin.on('error', () => {});
    child.stdin.end(`${input}\n`);
    try {
      const [code, output, complaint] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
      if (code === 0) return output;
      // Docker's helpers say it on their standard output.
      if (action !== 'store' && NOT_FOUND.test(output)) return undefined;
      // What it says of a password on its standard output may be that password.
      const said = (action === 'get' ? '' : output.trim()) || complaint.trim();
      throw this.#failed(action, without(secret, said).split('\n')[0] || `exit code ${code}`);
    } catch (error) {
      if (this.#signal.aborted) throw this.#signal.reason;
      if (error instanceof FsbError) throw error;
      const { code, message } = error as NodeJS.ErrnoException;
      throw code === 'ENOENT' ? this.#missing() : this.#failed(action, message);
    }
  }

  #failed(action: string, why: string): FsbError {
    return new FsbError('unauthenticated', `${this.program} ${action} failed: ${printable(why)}`, {
      hint: "It is what docker's config.json names as the keeper of your credentials; try it by hand.",
    });
  }

  #missing(): FsbError {
    return new FsbError('invalid_argument', `the credential helper ${this.program} is not on the PATH`, {
      hint: "Install it, or take it out of docker's config.json (credsStore, credHelpers).",
    });
  }
}
