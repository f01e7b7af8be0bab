import type { SystemApi } from '../api/core-api.ts';
import { systemFromWire } from '../wire/convert/admin.ts';
import { eventFromWire, eventQueryToWire } from '../wire/convert/event.ts';
import { healthFromWire, logFromWire, usageFromWire } from '../wire/convert/system.ts';
import { SystemServiceService as system } from '../wire/gen/fsb/v1/system.ts';
import { orCannotTell } from './deed.ts';
import type { Rpc } from './rpc.ts';

const MAY_BE_GONE = 'It may have been: see fsb-ctl system df.';

export function systemCalls(rpc: Rpc): SystemApi {
  return {
    info: async (options) => systemFromWire(await rpc.call(system.info, {}, options)),
    usage: async (options) => usageFromWire(await rpc.call(system.usage, {}, options)),
    health: async (options) => healthFromWire(await rpc.call(system.health, {}, options)),
    retainedLogs: async (options) => (await rpc.call(system.retainedLogs, {}, options)).logs.map(logFromWire),
    async removeLogs(sandboxIds, options) {
      const act = () => rpc.call(system.removeLogs, { sandboxIds: [...sandboxIds] }, options);
      await orCannotTell({ what: 'retained logs were removed', hint: MAY_BE_GONE, act }, options);
    },
    async removeSetAside(options) {
      const act = () => rpc.call(system.removeSetAside, {}, options);
      const deed = { what: 'what is set aside was removed', hint: MAY_BE_GONE, act };
      return (await orCannotTell(deed, options)).removed;
    },
    async *events(query, options) {
      for await (const event of rpc.stream(system.watch, eventQueryToWire(query), options))
        yield eventFromWire(event);
    },
  };
}
