import type { SystemInfo } from '../../api/core-api.ts';
import type { SystemInfoResponse } from '../gen/fsb/v1/system.ts';

/** The core itself. */

export function systemToWire({ startedAt, ...info }: SystemInfo): SystemInfoResponse {
  return { ...info, startedAtMilliseconds: startedAt };
}

export function systemFromWire({ startedAtMilliseconds, ...info }: SystemInfoResponse): SystemInfo {
  return { ...info, startedAt: startedAtMilliseconds };
}
