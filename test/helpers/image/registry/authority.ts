import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Paths of PEM files. */
export interface ServerCertificate {
  certificate: string;
  key: string;
  /** Of the authority that signed it. */
  ca: string;
}

/** A certificate authority of its own, made with openssl; its files are gone after remove(). */
export interface Authority {
  /** Path of its certificate, PEM. */
  ca: string;
  /** @param names as in a certificate: `IP:127.0.0.1`, `DNS:registry.test` */
  issue(options?: { names?: string[]; expired?: boolean }): Promise<ServerCertificate>;
  remove(): Promise<void>;
}

export async function createAuthority(): Promise<Authority> {
  const directory = await mkdtemp(join(tmpdir(), 'fsb-authority-'));
  const file = (name: string): string => join(directory, name);
  const ca = file('ca.pem');
  const subject = ['-subj', '/CN=test authority'];
  const extensions = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=keyCertSign'];
  openssl('req', '-x509', ...newKey(file('ca.key')), '-out', ca, '-days', '30', ...subject, ...extensions);
  let count = 0;
  return {
    ca,
    async issue({ names = ['IP:127.0.0.1', 'DNS:localhost'], expired = false } = {}) {
      count += 1;
      const [key, request, certificate] = ['key', 'csr', 'pem'].map((kind) => file(`${count}.${kind}`));
      openssl('req', '-new', ...newKey(key!), '-out', request!, '-subj', '/CN=test');
      await writeFile(file('ext'), `subjectAltName=${names.join(',')}\n`);
      // A day that is over before it began is what openssl has for a certificate that is no longer good.
      const days = ['-days', expired ? '-1' : '30'];
      const signer = ['-CA', ca, '-CAkey', file('ca.key'), '-set_serial', String(count + 1)];
      openssl(
        'x509',
        '-req',
        '-in',
        request!,
        '-out',
        certificate!,
        '-extfile',
        file('ext'),
        ...signer,
        ...days,
      );
      return { certificate: certificate!, key: key!, ca };
    },
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The DER of a PEM certificate, base64, as tokens carry it. */
export async function derOf(certificate: string): Promise<string> {
  const pem = await readFile(certificate, 'utf8');
  return pem.replace(/-----[^-]+-----|\s/g, '');
}

const newKey = (path: string): string[] => ['-newkey', 'rsa:2048', '-nodes', '-keyout', path];

function openssl(...words: string[]): void {
  execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}
