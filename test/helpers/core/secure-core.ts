import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import type { ClientSecurity } from '../../../src/core/client/security.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { pathOfRefused } from '../../../src/core/server/access/audit-files.ts';
import { type ServerOptions, type Servers, startServers } from '../../../src/core/server/servers.ts';
import { Authority, type Pair } from './certificates.ts';

export const TOKEN = 'root-token-of-the-tests';

export interface SecureCore extends AsyncDisposable {
  authority: Authority;
  servers: Servers;
  directory: string;
  tokenFile: string;
  /** The log of who was refused, entry by entry, and behind it the audit log. */
  audit(): Record<string, string>[];
  /** A client; what it is not told, it does not have. The token is TOKEN unless it says another one. */
  client(security?: ClientSecurity['tls'] & { token?: string | null }): CoreApi;
}

export const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');

/** A core behind TLS on loopback, with tokens. */
export async function serveSecurely(
  core: CoreApi,
  options: Partial<ServerOptions> & { list?: object; pair?: Pair; clientCa?: boolean } = {},
): Promise<SecureCore> {
  const { list, pair, clientCa, ...rest } = options;
  const authority = new Authority();
  const directory = mkdtempSync(join(tmpdir(), 'fsb-tls-'));
  const tokenFile = join(directory, 'tokens');
  writeFileSync(tokenFile, list === undefined ? `${TOKEN}\n` : JSON.stringify(list), { mode: 0o600 });
  const auditLog = join(directory, 'audit.log');
  const tls = { ...(pair ?? authority.issue()), ...(clientCa && { clientCa: authority.ca }) };
  const servers = await startServers(core, {
    ...{ grpc: ['127.0.0.1:0'], http: ['127.0.0.1:0'], ready: () => true, clock: systemClock },
    log: pino({ level: 'silent' }),
    security: { tls, tokenFile, auditLog },
    ...rest,
  });
  const clients: CoreApi[] = [];
  return {
    ...{ authority, servers, directory, tokenFile },
    audit: () =>
      [pathOfRefused(auditLog), auditLog]
        .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, string>),
    client(security = {}) {
      const { token = TOKEN, ...tls } = security;
      const client = connectCore({
        ...{ grpc: servers.grpc[0]!, http: servers.http[0]! },
        security: { ...(token !== null && { token }), tls: { ca: readFileSync(authority.ca), ...tls } },
      });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((client) => client.close()));
      await servers.close(1000);
      authority[Symbol.dispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
