import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { LOCAL_CALLER } from '../../../src/core/model/caller.ts';
import { type Clock, systemClock } from '../../../src/core/model/clock.ts';
import { BodyRoom } from '../../../src/core/server/body-room.ts';
import { openDoors } from '../../../src/core/server/doors.ts';
import { type HttpListener, listenHttp } from '../../../src/core/server/http/http-server.ts';
import { poolRoutes } from '../../../src/core/server/http/pool-server/pool-routes.ts';
import { sendError } from '../../../src/core/server/http/respond.ts';
import { route } from '../../../src/core/server/http/router.ts';
import { Traffic } from '../../../src/core/server/metrics/traffic.ts';
import { PoolServer } from '../../../src/core/tools/pool-server.ts';
import type { HostCore } from '../core/host-core/host-core.ts';
import { poolClient } from './pool-client.ts';

export interface ServedPoolServer {
  server: PoolServer;
  /** `host:port`. */
  address: string;
  ask: ReturnType<typeof poolClient>;
  /** Where the tools work. */
  directory: string;
  /** Not the core. */
  close(): Promise<void>;
}

/** A pool server over HTTP whose tools work in a directory of this machine. */
export async function servePoolServer(core: HostCore, clock: Clock = systemClock): Promise<ServedPoolServer> {
  const directory = await mkdtemp(join(tmpdir(), 'fsb-pool-'));
  const log = pino({ level: 'silent' });
  const server = new PoolServer({ core, clock, log, workingDirectory: directory });
  await server.start();
  const routes = [poolRoutes(server, clock, new BodyRoom())];
  const [door] = openDoors(core, {
    grpc: [],
    http: ['127.0.0.1:0'],
    traffic: new Traffic(),
    clock,
    log,
  }).http;
  const visit = { core, caller: LOCAL_CALLER, whileKnown: () => () => {} };
  const listener: HttpListener = await listenHttp(
    door!,
    (request, response) => {
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      route(routes, request, response, gone.signal, visit).catch((error: unknown) =>
        sendError(response, error),
      );
    },
    clock,
  );
  return {
    ...{ server, directory },
    address: listener.address,
    ask: poolClient(listener.address),
    async close() {
      await server.close(0);
      await listener.close(0);
      await rm(directory, { recursive: true, force: true });
    },
  };
}
