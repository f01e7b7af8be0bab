import type { SystemInfo } from '../../api/core-api.ts';
import type { SystemInfoResponse } from '../gen/fsb/v1/system.ts';

/** The core itself. */

export function systemToWire({ startedAt, flags, ...info }: SystemInfo): SystemInfoResponse {
  return { ...info, startedAtMilliseconds: startedAt, flags: flags && { words: [...flags] } };
}

export function systemFromWire({ startedAtMilliseconds, flags, ...info }: SystemInfoResponse): SystemInfo {
  return { ...info, startedAt: startedAtMilliseconds, ...(flags && { flags: flags.words }) };
}
