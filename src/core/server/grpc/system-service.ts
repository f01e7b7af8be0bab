import type { CoreApi } from '../../api/core-api.ts';
import { systemToWire } from '../../wire/convert/admin.ts';
import { eventQueryFromWire, eventToWire } from '../../wire/convert/event.ts';
import type { SystemServiceServer } from '../../wire/gen/fsb/v1/system.ts';
import { serverStream } from './server-stream.ts';
import { unary } from './unary.ts';

export const systemService = ({ system }: CoreApi, closing: AbortSignal): SystemServiceServer => ({
  info: unary(async (_request, options) => systemToWire(await system.info(options))),
  watch: serverStream((query, options) => system.events(eventQueryFromWire(query), options), eventToWire, {
    endWith: closing,
  }),
});
