import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { FsbError } from '../../model/errors.ts';
import type { RegistrySettings } from './configuration.ts';

/** Whom a connection believes, and how it shows itself. */
export interface Trust {
  context: SecureContext;
  /** False: any certificate is good. */
  verify: boolean;
  /** Two of the same content have the same. */
  id: string;
}

interface Material {
  ca: string[];
  cert: string[];
  key: string[];
}

export interface CertificateSources {
  env: Record<string, string | undefined>;
  /** Docker's own: `<host>/*.crt`, `<host>/*.cert` with `*.key`. */
  dockerDirectory: string;
}

/** Docker's own, of the machine. */
export const DOCKER_CERTIFICATES = '/etc/docker/certs.d';

const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Makes contexts for TLS from files, one for each content: several hundred authorities take a while to read. */
export class Certificates {
  readonly #sources: CertificateSources;
  readonly #contexts = new Map<string, SecureContext>();

  constructor(sources: CertificateSources) {
    this.#sources = sources;
  }

  /**
   * For a registry, and for the hosts that it sends readers to: those never see the client's certificate.
   * @throws invalid_argument when a file is missing or no certificate
   */
  async trustOf(host: string, settings?: RegistrySettings): Promise<{ own: Trust; others: Trust }> {
    const material = await this.#collect(host, settings);
    const verify = !settings?.insecure;
    const own = this.#trust(material, verify, host);
    if (material.cert.length === 0) return { own, others: own };
    return { own, others: this.#trust({ ...material, cert: [], key: [] }, verify, host) };
  }

  async #collect(host: string, settings?: RegistrySettings): Promise<Material> {
    const docker = await readDockerDirectory(join(this.#sources.dockerDirectory, host));
    const { ca, clientCertificate, clientKey } = settings ?? {};
    const named = async (path: string | undefined, key: string): Promise<string[]> =>
      path === undefined ? [] : [await readNamed(path, key, host)];
    return {
      ca: [...(await this.#system()), ...docker.ca, ...(await named(ca, 'ca'))],
      cert: [...docker.cert, ...(await named(clientCertificate, 'client_cert'))],
      key: [...docker.key, ...(await named(clientKey, 'client_key'))],
    };
  }

  /** Naming any authority makes Node forget its own, and those that NODE_EXTRA_CA_CERTS adds. */
  async #system(): Promise<string[]> {
    const { SSL_CERT_FILE, NODE_EXTRA_CA_CERTS } = this.#sources.env;
    const bundle = await firstOf(SSL_CERT_FILE ? [SSL_CERT_FILE] : SYSTEM_BUNDLES);
    const extra = NODE_EXTRA_CA_CERTS ? await firstOf([NODE_EXTRA_CA_CERTS]) : [];
    return [...bundle, ...extra];
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

/**
 * Node's own, and those given, each once: they are mostly the same, and reading them holds up everything else that this
 * process does.
 */
function allAuthorities(pems: readonly string[]): string[] {
  const found = new Map<string, string>();
  const certificates = pems.flatMap((pem) => pem.match(CERTIFICATE) ?? []);
  for (const certificate of [...rootCertificates, ...certificates])
    found.set(certificate.replace(/\s/g, ''), certificate);
  return [...found.values()];
}

const CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

async function readDockerDirectory(directory: string): Promise<Material> {
  const material: Material = { ca: [], cert: [], key: [] };
  const names = await readdir(directory).catch(() => []);
  for (const name of names.sort()) {
    const read = (): Promise<string> => readNamed(join(directory, name), 'certificate', directory);
    if (name.endsWith('.crt')) material.ca.push(await read());
    else if (name.endsWith('.cert')) material.cert.push(await read());
    else if (name.endsWith('.key')) material.key.push(await read());
  }
  return material;
}

async function firstOf(paths: readonly string[]): Promise<string[]> {
  for (const path of paths) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined) return [text];
  }
  return [];
}

async function readNamed(path: string, key: string, host: string): Promise<string> {
  try {
    const text = await readFile(path, 'utf8');
    if ((key === 'ca' ? /-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/ : /-----BEGIN /).test(text)) return text;
  } catch (cause) {
    const why = (cause as Error).message;
    throw new FsbError('invalid_argument', `cannot read the ${key} of registry ${host}: ${why}`, { cause });
  }
  throw new FsbError(
    'invalid_argument',
    `the ${key} of registry ${host}, ${path}, is no ${key === 'ca' ? 'certificate' : 'PEM file'}`,
  );
}
