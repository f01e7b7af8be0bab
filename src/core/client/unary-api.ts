import type { ImageApi, PoolApi, SystemApi } from '../api/core-api.ts';
import type { SandboxApi } from '../api/sandbox-api.ts';
import { imageFromWire, poolStatusFromWire, systemFromWire } from '../wire/convert/admin.ts';
import { assertSpecFitsWire, createToWire } from '../wire/convert/create.ts';
import { deleteToWire, exitFromWire, refToWire } from '../wire/convert/parts.ts';
import { listToWire, sandboxFromWire } from '../wire/convert/sandbox.ts';
import type { Endpoint } from '../wire/endpoint.ts';
import { FastPathServiceService as sandboxes } from '../wire/gen/fastpath/v1/fastpath.ts';
import { ImageServiceService as images } from '../wire/gen/fsb/v1/image.ts';
import { PoolServiceService as pools } from '../wire/gen/fsb/v1/pool.ts';
import { SystemServiceService as system } from '../wire/gen/fsb/v1/system.ts';
import { Rpc } from './rpc.ts';

/** Everything of a core that is one request and one answer. */
export interface UnaryApi {
  sandboxes: Pick<SandboxApi, 'create' | 'get' | 'list' | 'delete' | 'wait'>;
  images: ImageApi;
  pools: PoolApi;
  system: SystemApi;
  close(): void;
}

export function unaryApi(endpoint: Endpoint): UnaryApi {
  const rpc = new Rpc(endpoint);
  return {
    sandboxes: sandboxCalls(rpc),
    images: imageCalls(rpc),
    pools: {
      status: async (options) => (await rpc.call(pools.status, {}, options)).rows.map(poolStatusFromWire),
    },
    system: { info: async (options) => systemFromWire(await rpc.call(system.info, {}, options)) },
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

function imageCalls(rpc: Rpc): ImageApi {
  return {
    import: async ({ path, name }, options) =>
      (await rpc.call(images.import, { path, name }, options)).images.map(imageFromWire),
    list: async (options) => (await rpc.call(images.list, {}, options)).images.map(imageFromWire),
    remove: async (reference, options) =>
      imageFromWire((await rpc.call(images.remove, { reference }, options)).image),
  };
}
