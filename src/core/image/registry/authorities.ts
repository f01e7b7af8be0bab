import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { certificatesIn } from './pem-files.ts';

/** Where distributions have all their authorities in one file, and where each in one of its own; as Go looks for them. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];
const DIRECTORIES = ['/etc/ssl/certs', '/etc/pki/tls/certs'];

/**
 * The texts of the system's authorities: those of SSL_CERT_FILE and SSL_CERT_DIR, or else of the usual places, and of
 * NODE_EXTRA_CA_CERTS. As for docker, what cannot be read is passed over.
 */
export async function systemAuthorities(env: Record<string, string | undefined>): Promise<string[]> {
  const { SSL_CERT_FILE, SSL_CERT_DIR, NODE_EXTRA_CA_CERTS } = env;
  const bundle = await firstOf(SSL_CERT_FILE ? [SSL_CERT_FILE] : BUNDLES);
  const named = SSL_CERT_DIR?.split(':').filter((directory) => directory !== '') ?? [];
  // A bundle has what lies beside it.
  const directories = named.length === 0 && bundle.length === 0 ? DIRECTORIES : named;
  const single = await Promise.all(directories.map(filesIn));
  const extra = NODE_EXTRA_CA_CERTS ? await firstOf([NODE_EXTRA_CA_CERTS]) : [];
  return [...bundle, ...single.flat(), ...extra];
}

/**
 * Node's own, and those given, each once: they are mostly the same, and reading them holds up everything else that this
 * process does. Naming any authority makes Node forget its own; one that is damaged it passes over.
 */
export function allAuthorities(pems: readonly string[]): string[] {
  const found = new Map(rootCertificates.map((certificate) => [bare(certificate), certificate]));
  // One that is damaged must not take the others with it.
  for (const certificate of pems.flatMap(certificatesIn)) found.set(bare(certificate), certificate);
  return [...found.values()];
}

const bare = (pem: string): string => pem.replace(/\s/g, '');

async function firstOf(paths: readonly string[]): Promise<string[]> {
  for (const path of paths) {
    const text = await readText(path);
    if (text !== undefined) return [text];
  }
  return [];
}

async function filesIn(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  const texts = await Promise.all(names.sort().map((name) => readText(join(directory, name))));
  return texts.filter((text) => text !== undefined);
}

const readText = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);
