import type { CoreApi } from '../../api/core-api.ts';
import { systemToWire } from '../../wire/convert/admin.ts';
import { eventQueryFromWire, eventToWire } from '../../wire/convert/event.ts';
import { healthToWire, logToWire, usageToWire } from '../../wire/convert/system.ts';
import type { SystemServiceServer } from '../../wire/gen/fsb/v1/system.ts';
import { serverStream } from './server-stream.ts';
import { unary } from './unary.ts';

export const systemService = ({ system }: CoreApi, closing: AbortSignal): SystemServiceServer => ({
  info: unary(async (_request, options) => systemToWire(await system.info(options))),
  usage: unary(async (_request, options) => usageToWire(await system.usage(options))),
  health: unary(async (_request, options) => healthToWire(await system.health(options))),
  retainedLogs: unary(async (_request, options) => ({
    logs: (await system.retainedLogs(options)).map(logToWire),
  })),
  removeLogs: unary(async ({ sandboxIds }, options) => {
    await system.removeLogs(sandboxIds, options);
    return {};
  }),
  removeSetAside: unary(async (_request, options) => ({ removed: await system.removeSetAside(options) })),
  watch: serverStream((query, options) => system.events(eventQueryFromWire(query), options), eventToWire, {
    endWith: closing,
  }),
});
