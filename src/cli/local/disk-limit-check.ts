import { DISK_HINT, missingForDisks } from '../../core/runtime/oci/disk-needs.ts';
import type { Check } from './check.ts';

/** Well in any case: whoever gives no limit of disk needs nothing. */
export async function diskLimitCheck(): Promise<Check> {
  const missing = await missingForDisks();
  const none = missing.length === 0;
  const found = none ? 'possible: mke2fs, e2fsck, loop devices' : `not possible: no ${missing.join(', no ')}`;
  return { name: 'disk limits', ok: true, found, hint: none ? '' : DISK_HINT };
}
