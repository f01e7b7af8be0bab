import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { Authority } from '../../helpers/core/certificates.ts';
import { startBenchCore } from '../core/bench-core.ts';
import { createPool } from '../core/bench-pool.ts';

export const WARM = 50;
const TOKEN = 'token-of-the-load-bench';

/** A core under load, and a way to it. */
export interface Place {
  /** `TLS` or `unix`, for the names of rows. */
  way: string;
  pid: number;
  api: CoreApi;
  /** A second client, of somebody else. */
  other: CoreApi;
}

/** The same core over its unix socket, and over TCP with TLS and a token; with a pool of WARM idle instances. */
export async function withPlaces(use: (place: Place) => Promise<void>): Promise<void> {
  using authority = new Authority();
  const { cert, key } = authority.issue();
  const tokenFile = join(authority.directory, 'token');
  writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
  await using core = await startBenchCore({
    http: '127.0.0.1:0',
    flags: [
      ...['--warm', 'host=0', '--max', '1', '--log-size', '1g'],
      ...['--grpc', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', key, '--token-file', tokenFile],
    ],
  });
  await createPool(core, 'warm', WARM, 1100);
  const security = { token: TOKEN, tls: { ca: readFileSync(authority.ca) } };
  const overTls = (): CoreApi =>
    connectCore({ grpc: new URL(core.status.grpc).host, http: new URL(core.status.http).host, security });
  const { pid } = core.status;
  {
    await using api = overTls();
    await using other = overTls();
    await use({ way: 'TLS', pid, api, other });
  }
  await use({ way: 'unix', pid, api: core.api, other: core.api });
}
