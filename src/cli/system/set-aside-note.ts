import type { CoreApi } from '../../core/api/core-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';

/** Of records within the store, `records/TABLE`, and of a whole store: `records.aside-...`. */
const RECORDS = /\/records[^/]*(\/[^/]+)?$/;

/** What belongs below a list of sandboxes that may not be all; undefined: nothing. Never fails: the list is there. */
export async function setAsideNote(core: CoreApi, call: CallOptions): Promise<string | undefined> {
  const health = await core.system.health(call).catch(() => undefined);
  if (!health?.setAside.some(({ path }) => RECORDS.test(path))) return undefined;
  return 'Some records could not be read and are set aside: a sandbox may be missing here. See fsb-ctl info.';
}
