import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { FsbError } from '../../model/failure/errors.ts';

/** A file that somebody named for a registry, for errors. */
export interface PemFile {
  path: string;
  /** `ca`, `client certificate`, `client key` */
  what: string;
  registry: string;
  /** What named it: registries.yaml, or docker's directory. */
  place: string;
}

const CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** Each certificate in a text, which may have other things between them. */
export const certificatesIn = (pem: string): string[] => pem.match(CERTIFICATE) ?? [];

/** @throws invalid_argument naming the file and its place, when it cannot be read or has a broken certificate, or none */
export async function readCertificates(file: PemFile): Promise<string> {
  const text = await read(file);
  const found = certificatesIn(text);
  if (found.length === 0) throw broken(file, 'there is no certificate in it');
  const at = found.findIndex((pem) => !isCertificate(pem));
  if (at >= 0) throw broken(file, `certificate ${at + 1} in it is damaged`);
  return text;
}

/**
 * A client's certificate with its key.
 * @throws invalid_argument naming the file and its place
 */
export async function readKeyPair(
  certificate: PemFile,
  key: PemFile,
): Promise<{ certificate: string; key: string }> {
  const pair = { certificate: await readCertificates(certificate), key: await read(key) };
  // The first is the client's own, authorities follow.
  const own = new X509Certificate(certificatesIn(pair.certificate)[0]!);
  if (!own.checkPrivateKey(parseKey(pair.key, key)))
    throw broken(key, `it does not belong to the certificate ${certificate.path}`);
  return pair;
}

function isCertificate(pem: string): boolean {
  try {
    return Boolean(new X509Certificate(pem));
  } catch {
    return false;
  }
}

function parseKey(text: string, file: PemFile): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (cause) {
    const isLocked = (cause as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE';
    const why = isLocked ? 'it has a passphrase, and nobody is there to enter it' : 'there is no key in it';
    throw broken(file, why, cause);
  }
}

async function read(file: PemFile): Promise<string> {
  try {
    return await readFile(file.path, 'utf8');
  } catch (cause) {
    // Node says the path again, behind a comma.
    throw broken(file, (cause as Error).message.split(',')[0]!, cause);
  }
}

const broken = ({ path, what, registry, place }: PemFile, why: string, cause?: unknown): FsbError =>
  new FsbError(
    'invalid_argument',
    `cannot use ${path}, the ${what} that ${place} names for registry ${registry}: ${why}`,
    { hint: 'It must be a PEM file that the core may read.', cause },
  );
