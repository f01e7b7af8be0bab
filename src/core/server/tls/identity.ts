import { constants, createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import type { Logger } from 'pino';
import { FsbError } from '../../model/failure/errors.ts';
import { assertPrivate, FreshFiles } from '../fresh-files.ts';

/** Files in PEM, by absolute path. */
export interface TlsFiles {
  cert: string;
  key: string;
  /** Authorities whose certificates clients may show. */
  clientCa?: string;
}

/** What OpenSSL offers without what has no forward secrecy; TLS 1.3 has its own, all of which are good. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

/** Who a core is to its clients, as the files say now: each new connection gets the newest that can be used. */
export class TlsIdentity {
  readonly #files: FreshFiles<SecureContextOptions, 'cert' | 'key' | 'clientCa'>;
  readonly asksClients: boolean;

  /** @throws invalid_argument, denied (others may read the key) */
  constructor({ cert, key, clientCa }: TlsFiles, log: Logger) {
    this.asksClients = clientCa !== undefined;
    this.#files = new FreshFiles({
      files: { cert, key, ...(clientCa && { clientCa }) } as Record<'cert' | 'key' | 'clientCa', string>,
      parse: (contents) => {
        assertPrivate(key);
        return contextOf(contents, { cert, key, clientCa });
      },
      onBroken: (error) =>
        log.error({ err: error }, 'the new certificate cannot be used: connections get the one before'),
      onChanged: () => log.info({ cert }, 'new connections get a new certificate'),
    });
  }

  /** The same object until the files change. */
  get context(): SecureContextOptions {
    return this.#files.value;
  }
}

type Contents = { cert: Buffer; key: Buffer; clientCa?: Buffer };

/** Tried out before it is in effect. @throws invalid_argument */
function contextOf(
  { cert, key, clientCa }: Contents,
  names: Record<keyof Contents, string | undefined>,
): SecureContextOptions {
  const leaf = readable(names.cert!, 'a certificate', () => new X509Certificate(cert));
  const secret = readable(names.key!, 'a key without a password', () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(secret))
    throw new FsbError('invalid_argument', `${names.key} is not the key of ${names.cert}`, {
      hint: 'Give both files of one certificate.',
    });
  if (clientCa !== undefined) readable(names.clientCa!, 'a certificate', () => new X509Certificate(clientCa));
  const options: SecureContextOptions = {
    ...{ cert, key, minVersion: 'TLSv1.2', ciphers: CIPHERS, honorCipherOrder: true },
    // A connection that goes on with an earlier one would not meet the newest files.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    ...(clientCa && { ca: clientCa }),
  };
  readable(names.cert!, 'a certificate that TLS takes', () => createSecureContext(options));
  return options;
}

function readable<T>(file: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new FsbError('invalid_argument', `${file} is not ${what} in PEM: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
