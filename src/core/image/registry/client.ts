import { setMaxListeners } from 'node:events';
import type { Logger } from 'pino';
import { withEither } from '../../model/async/either-signal.ts';
import type { Clock } from '../../model/clock.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { RegistryCredentials } from '../../model/image/image-requests.ts';
import { familiarReference, type ImageReference } from '../../model/image/reference.ts';
import { registryHost } from '../../model/image/registry-host.ts';
import { Authorizer } from './authorizer.ts';
import { Certificates, DOCKER_CERTIFICATES } from './certificates.ts';
import { readRegistriesFile } from './configuration-file.ts';
import { Connection } from './connection.ts';
import { type Endpoint, mirrorsOf, registryOf } from './endpoints.ts';
import { foreignEndpoint } from './foreign-layers.ts';
import { logIn } from './login.ts';
import { chooseProxies } from './proxies.ts';
import type { Registries, RemoteRepository } from './registries.ts';
import { Repository } from './repository.ts';
import { Tokens } from './tokens.ts';
import { Transport } from './transport.ts';

export interface RegistriesOptions {
  /** The configuration, CorePaths.registries; it need not be there. Read anew for every repository and login. */
  file: string;
  /** For certificates and NO_PROXY. The proxies themselves are always those of this process's environment. */
  env: Record<string, string | undefined>;
  log: Logger;
  clock: Clock;
  /** From 0 to 1; spreads retries. */
  random?: () => number;
  /** Docker's own certificates for registries. Default /etc/docker/certs.d. */
  dockerCertificates?: string;
}

/** Speaks to registries, as many as there are, with connections and tokens that its calls share. */
export function createRegistries(options: RegistriesOptions): Registries {
  return new RegistryClient(options);
}

class RegistryClient implements Registries {
  readonly #options: RegistriesOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #closing = new AbortController();
  readonly #transport: Transport;
  readonly #tokens: Tokens;
  readonly #certificates: Certificates;

  constructor(options: RegistriesOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#random = options.random ?? Math.random;
    // Everything that is read listens to it; Node takes more than ten for a leak.
    setMaxListeners(0, this.#closing.signal);
    this.#transport = new Transport(this.#clock, options.log);
    this.#tokens = new Tokens(this.#transport, this.#clock, this.#closing.signal);
    const dockerDirectory = options.dockerCertificates ?? DOCKER_CERTIFICATES;
    this.#certificates = new Certificates({ env: options.env, file: options.file, dockerDirectory });
  }

  async repository(
    reference: ImageReference,
    credentials?: RegistryCredentials,
    outside = false,
  ): Promise<RemoteRepository> {
    const { domain, path } = reference;
    const { mirrors, registry } = await this.#endpoints(domain, outside);
    const scope = `repository:${path}:pull`;
    const connect = (endpoint: Endpoint): Connection =>
      this.#connection(domain, endpoint, new Authorizer(endpoint, this.#tokens, { credentials, scope }));
    return new Repository({
      name: familiarReference(reference),
      path,
      connections: [...mirrors, registry].map(connect),
      connectionTo: (url) => {
        const endpoint = foreignEndpoint(url, registry, outside);
        return typeof endpoint === 'string' ? endpoint : connect(endpoint);
      },
      clock: this.#clock,
      random: this.#random,
      closing: this.#closing.signal,
    });
  }

  async login(
    registry: string,
    credentials: RegistryCredentials,
    signal?: AbortSignal,
    outside = false,
  ): Promise<{ identityToken?: string }> {
    const name = registryHost(registry);
    if (name === undefined)
      throw new FsbError('invalid_argument', `${JSON.stringify(registry)} is not a registry address`, {
        hint: 'A registry is named like docker.io or registry.example.com:5000.',
      });
    const endpoint = (await this.#endpoints(name, outside)).registry;
    const authorizer = new Authorizer(endpoint, this.#tokens, { credentials, offline: true });
    const terms = {
      connection: this.#connection(name, endpoint, authorizer, LOGIN_HINT),
      authorizer,
      registry: name,
      clock: this.#clock,
      random: this.#random,
    };
    return withEither(signal, this.#closing.signal, (until) => logIn({ ...terms, signal: until }));
  }

  async close(): Promise<void> {
    this.#closing.abort(new FsbError('unavailable', 'the core is closing: registries are not read any more'));
    this.#transport.close();
  }

  async #endpoints(domain: string, outside: boolean): Promise<Endpoints> {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
    try {
      return await this.#configured(domain, outside);
    } catch (error) {
      if (outside)
        this.#options.log.error({ err: error }, 'registries cannot be used as they are configured');
      throw outside ? misconfigured(error) : error;
    }
  }

  async #configured(domain: string, outside: boolean): Promise<Endpoints> {
    const read = await readRegistriesFile(this.#options.file);
    // Where it lies is nothing for who may not change it.
    const configuration = outside ? { ...read, file: 'registries.yaml of the core' } : read;
    const proxyFor = chooseProxies(configuration.proxy, this.#options.env);
    const mirrors = await mirrorsOf(domain, configuration, this.#certificates, proxyFor);
    const registry = await registryOf(domain, configuration, this.#certificates, proxyFor, outside);
    return { mirrors, registry };
  }

  #connection(registry: string, endpoint: Endpoint, authorizer: Authorizer, loginHint?: string): Connection {
    const [transport, clock] = [this.#transport, this.#clock];
    return new Connection({ transport, clock, endpoint, authorizer, registry, loginHint });
  }
}

interface Endpoints {
  mirrors: Endpoint[];
  registry: Endpoint;
}

/** Of what the administrator has written, without the paths of the server. */
const misconfigured = (error: unknown): FsbError =>
  new FsbError(FsbError.from(error).code, 'the core cannot read what it is told of registries', {
    hint: 'Ask who runs the core: its log says what is wrong.',
  });

const LOGIN_HINT =
  'Look whether the name and the password are right; some registries want a token instead of the password.';
