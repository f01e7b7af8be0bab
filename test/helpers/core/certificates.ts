import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Paths of a certificate and its key, PEM. */
export interface Pair {
  cert: string;
  key: string;
}

export interface CertificateOptions {
  /** Common name. */
  name?: string;
  /** As openssl has it. */
  names?: string;
  /** Times of openssl, `20200101000000Z`. */
  from?: string;
  until?: string;
}

const openssl = (...args: string[]): void => {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
};

/** An authority and what it signs, in a directory of their own; real files of openssl. */
export class Authority implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'fsb-ca-'));
  readonly ca: string;
  readonly #key: string;
  #count = 0;

  constructor() {
    this.ca = this.#path('ca.pem');
    this.#key = this.#path('ca.key');
    openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
      ...['-subj', '/CN=Test authority', '-keyout', this.#key, '-out', this.ca],
    );
  }

  issue(options: CertificateOptions = {}): Pair {
    const { name = 'core', names = 'DNS:localhost,IP:127.0.0.1', from, until } = options;
    this.#count += 1;
    const [key, cert] = [this.#path(`${this.#count}.key`), this.#path(`${this.#count}.pem`)];
    const [request, extensions] = [this.#path('request'), this.#path('extensions')];
    openssl(
      ...['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-subj', `/CN=${name}`, '-keyout', key, '-out', request],
    );
    writeFileSync(extensions, `subjectAltName=${names}\n`);
    this.#sign(request, cert, extensions, from, until);
    return { cert, key };
  }

  #sign(request: string, cert: string, extensions: string, from?: string, until?: string): void {
    const shared = ['-in', request, '-out', cert, '-extfile', extensions];
    if (from === undefined || until === undefined) {
      openssl('x509', '-req', ...shared, '-CA', this.ca, '-CAkey', this.#key, '-days', '30');
      return;
    }
    // Only this one signs for a time that is over.
    const config = this.#path('ca.cnf');
    const index = this.#path('index.txt');
    writeFileSync(index, '');
    writeFileSync(
      config,
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${index}\nnew_certs_dir=${this.directory}\nrand_serial=yes\n` +
        'default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n',
    );
    openssl(
      ...['ca', '-batch', '-config', config, '-cert', this.ca, '-keyfile', this.#key, '-notext'],
      ...['-startdate', from, '-enddate', until, ...shared],
    );
  }

  #path(name: string): string {
    return join(this.directory, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
