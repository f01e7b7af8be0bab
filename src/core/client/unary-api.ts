import type { SystemApi } from '../api/core-api.ts';
import type { ImageApi } from '../api/image-api.ts';
import type { PoolApi } from '../api/pool-api.ts';
import type { SandboxApi } from '../api/sandbox-api.ts';
import { systemFromWire } from '../wire/convert/admin.ts';
import { assertSpecFitsWire, createToWire } from '../wire/convert/create.ts';
import { eventFromWire } from '../wire/convert/event.ts';
import { deleteToWire, exitFromWire, refToWire } from '../wire/convert/parts.ts';
import { listToWire, sandboxFromWire } from '../wire/convert/sandbox.ts';
import type { Endpoint } from '../wire/endpoint.ts';
import { FastPathServiceService as sandboxes } from '../wire/gen/fastpath/v1/fastpath.ts';
import { SystemServiceService as system } from '../wire/gen/fsb/v1/system.ts';
import { imageCalls } from './image-calls.ts';
import { poolCalls } from './pool-calls.ts';
import { Rpc } from './rpc.ts';

/** Everything of a core that goes over gRPC: all but the streams of a process. */
export interface UnaryApi {
  sandboxes: Pick<SandboxApi, 'create' | 'get' | 'list' | 'delete' | 'wait'>;
  images: ImageApi;
  pools: Omit<PoolApi, 'run' | 'exec'>;
  system: SystemApi;
  close(): void;
}

export function unaryApi(endpoint: Endpoint): UnaryApi {
  const rpc = new Rpc(endpoint);
  return {
    sandboxes: sandboxCalls(rpc),
    images: imageCalls(rpc),
    pools: poolCalls(rpc),
    system: systemCalls(rpc),
    close: () => rpc.close(),
  };
}

function sandboxCalls(rpc: Rpc): UnaryApi['sandboxes'] {
  return {
    async create(request, options) {
      await assertSpecFitsWire(request.spec);
      return sandboxFromWire(
        (await rpc.call(sandboxes.createSandbox, createToWire(request), options)).sandbox,
      );
    },
    get: async (ref, options) =>
      sandboxFromWire(await rpc.call(sandboxes.getSandbox, refToWire(ref), options)),
    list: async (query, options) =>
      (await rpc.call(sandboxes.listSandboxes, listToWire(query), options)).items.map(sandboxFromWire),
    async delete(ref, options = {}) {
      await rpc.call(sandboxes.deleteSandbox, deleteToWire(ref, options), options);
    },
    wait: async (ref, options) =>
      exitFromWire((await rpc.call(sandboxes.waitSandbox, refToWire(ref), options)).status ?? {}),
  };
}

function systemCalls(rpc: Rpc): SystemApi {
  return {
    info: async (options) => systemFromWire(await rpc.call(system.info, {}, options)),
    async *events(query, options) {
      for await (const event of rpc.stream(system.watch, query, options)) yield eventFromWire(event);
    },
  };
}
