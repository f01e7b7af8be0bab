import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { CoreApi } from '../../../src/core/api/core-api.ts';
import { connectCore } from '../../../src/core/client/connect-core.ts';
import { systemClock } from '../../../src/core/model/clock.ts';
import { type ServerOptions, type Servers, startServers } from '../../../src/core/server/servers.ts';

// What a first request would load, maybe in the moment in which the tests of a file are over: then it stays broken for the next file.
import '../../../src/core/server/http/rest/answer.ts';

export interface ServedCore {
  /** The client's end. */
  core: CoreApi;
  servers: Servers;
  directory: string;
  /** Client, servers and directory; not the core that was served. */
  close(): Promise<void>;
}

/** Serves a core on sockets of its own and connects to it. */
export async function serveAndConnect(
  core: CoreApi,
  transport: 'unix' | 'tcp',
  options: Partial<ServerOptions> = {},
): Promise<ServedCore> {
  const directory = await mkdtemp(join(tmpdir(), 'fsb-wire-'));
  const address = (name: string): string =>
    transport === 'unix' ? `unix://${join(directory, name)}` : '127.0.0.1:0';
  const servers = await startServers(core, {
    grpc: [address('grpc.sock')],
    http: [address('http.sock')],
    ready: () => true,
    clock: systemClock,
    log: pino({ level: 'silent' }),
    ...options,
  });
  const client = connectCore({ grpc: servers.grpc[0]!, http: servers.http[0]! });
  return {
    core: client,
    servers,
    directory,
    async close() {
      await client.close();
      await servers.close(2000);
      await rm(directory, { recursive: true });
    },
  };
}
