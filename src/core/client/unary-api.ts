import type { SystemApi } from '../api/core-api.ts';
import type { ImageApi } from '../api/image-api.ts';
import type { PoolApi } from '../api/pool-api.ts';
import { systemFromWire } from '../wire/convert/admin.ts';
import { eventFromWire, eventQueryToWire } from '../wire/convert/event.ts';
import type { Endpoint } from '../wire/endpoint.ts';
import { SystemServiceService as system } from '../wire/gen/fsb/v1/system.ts';
import { HttpRpc } from './http-rpc.ts';
import { imageCalls } from './image-calls.ts';
import { poolCalls } from './pool-calls.ts';
import type { Rpc } from './rpc.ts';
import { type SandboxCalls, sandboxCalls } from './sandbox-calls.ts';

/** Everything of a core but the streams of a process. */
export interface UnaryApi {
  sandboxes: SandboxCalls;
  images: ImageApi;
  pools: Omit<PoolApi, 'run' | 'exec'>;
  system: SystemApi;
  close(): void;
}

export async function unaryApi(grpc: Endpoint, http: Endpoint): Promise<UnaryApi> {
  const makeGrpc = async (): Promise<Rpc> => new (await import('./grpc-rpc.ts')).GrpcRpc(grpc);
  const rpc = http.kind === 'unix' ? new HttpRpc(http, makeGrpc) : await makeGrpc();
  return {
    sandboxes: sandboxCalls(rpc),
    images: imageCalls(rpc),
    pools: poolCalls(rpc),
    system: systemCalls(rpc),
    close: () => rpc.close(),
  };
}

function systemCalls(rpc: Rpc): SystemApi {
  return {
    info: async (options) => systemFromWire(await rpc.call(system.info, {}, options)),
    async *events(query, options) {
      for await (const event of rpc.stream(system.watch, eventQueryToWire(query), options))
        yield eventFromWire(event);
    },
  };
}
