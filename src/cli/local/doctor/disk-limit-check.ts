import { diskHint, missingForDisks } from '../../../core/runtime/oci/disk-needs.ts';
import type { Check } from './check.ts';

/** Well in any case: whoever gives no limit of disk needs nothing. */
export async function diskLimitCheck(): Promise<Check> {
  const missing = await missingForDisks();
  const name = 'disk limits';
  if (missing.length === 0) return { name, ok: true, found: 'mke2fs, e2fsck, loop devices', hint: '' };
  const found = `not possible without ${missing.join(', ')}; all else is`;
  return { name, ok: true, lacking: true, found, hint: diskHint(missing) };
}
