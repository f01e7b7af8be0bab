import { createHash } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { FsbError } from '../../model/failure/errors.ts';
import { allAuthorities, systemAuthorities } from './authorities.ts';
import type { RegistrySettings } from './configuration.ts';
import { type Material, readDockerCertificates } from './docker-certificates.ts';
import { type PemFile, readCertificates, readKeyPair } from './pem-files.ts';

/** Whom a connection believes, and how it shows itself. */
export interface Trust {
  context: SecureContext;
  /** False: any certificate is good. */
  verify: boolean;
  /** Two of the same content have the same. */
  id: string;
}

export interface CertificateSources {
  env: Record<string, string | undefined>;
  /** registries.yaml, for errors. */
  file: string;
  /** Docker's own: `<host>/*.crt`, `<host>/*.cert` with `*.key`. */
  dockerDirectory: string;
}

/** Docker's own, of the machine. */
export const DOCKER_CERTIFICATES = '/etc/docker/certs.d';

/** Makes contexts for TLS from files, one for each content: several hundred authorities take a while to read. */
export class Certificates {
  readonly #sources: CertificateSources;
  readonly #contexts = new Map<string, SecureContext>();

  constructor(sources: CertificateSources) {
    this.#sources = sources;
  }

  /**
   * For a registry, and for the hosts that it sends readers to: those never see the client's certificate.
   * @throws invalid_argument naming the file that is missing or broken, and what named it
   */
  async trustOf(host: string, settings?: RegistrySettings): Promise<{ own: Trust; others: Trust }> {
    const material = await this.#collect(host, settings);
    const verify = !settings?.insecure;
    const own = this.#trust(material, verify, host);
    if (material.cert.length === 0) return { own, others: own };
    return { own, others: this.#trust({ ...material, cert: [], key: [] }, verify, host) };
  }

  async #collect(host: string, settings?: RegistrySettings): Promise<Material> {
    const { env, dockerDirectory } = this.#sources;
    const docker = await readDockerCertificates(dockerDirectory, host);
    const named = await this.#named(host, settings);
    return {
      ca: [...(await systemAuthorities(env)), ...docker.ca, ...named.ca],
      cert: [...docker.cert, ...named.cert],
      key: [...docker.key, ...named.key],
    };
  }

  async #named(registry: string, settings?: RegistrySettings): Promise<Material> {
    const { ca, clientCertificate, clientKey } = settings ?? {};
    const file = (path: string, what: string): PemFile => ({
      ...{ path, what, registry, place: this.#sources.file },
    });
    const authorities = ca === undefined ? [] : [await readCertificates(file(ca, 'ca'))];
    if (clientCertificate === undefined || clientKey === undefined)
      return { ca: authorities, cert: [], key: [] };
    const pair = await readKeyPair(file(clientCertificate, 'client_cert'), file(clientKey, 'client_key'));
    return { ca: authorities, cert: [pair.certificate], key: [pair.key] };
  }

  #trust(material: Material, verify: boolean, host: string): Trust {
    const hash = createHash('sha256').update(JSON.stringify(material)).digest('hex');
    let context = this.#contexts.get(hash);
    if (!context) {
      context = contextOf(material, host);
      this.#contexts.set(hash, context);
    }
    return { context, verify, id: `${hash} ${verify}` };
  }
}

function contextOf({ ca, cert, key }: Material, host: string): SecureContext {
  try {
    return createSecureContext({ ca: allAuthorities(ca), ...(cert.length > 0 && { cert, key }) });
  } catch (cause) {
    const why = (cause as Error).message;
    throw new FsbError('invalid_argument', `the certificates for ${host} cannot be used: ${why}`, {
      hint: 'They must be PEM files, and each client certificate needs the key that belongs to it.',
      cause,
    });
  }
}
