import type { SystemApi } from '../api/core-api.ts';
import { systemFromWire } from '../wire/convert/admin.ts';
import { eventFromWire, eventQueryToWire } from '../wire/convert/event.ts';
import { SystemServiceService as system } from '../wire/gen/fsb/v1/system.ts';
import type { Rpc } from './rpc.ts';

export function systemCalls(rpc: Rpc): SystemApi {
  return {
    info: async (options) => systemFromWire(await rpc.call(system.info, {}, options)),
    async *events(query, options) {
      for await (const event of rpc.stream(system.watch, eventQueryToWire(query), options))
        yield eventFromWire(event);
    },
  };
}
