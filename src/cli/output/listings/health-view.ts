import type { CoreApi } from '../../../core/api/core-api.ts';
import type { CallOptions } from '../../../core/api/sandbox-api.ts';
import { FsbError } from '../../../core/model/failure/errors.ts';
import { formatAge, formatSize } from '../../../core/model/quantity.ts';
import type { RecoveryResult, SystemHealth } from '../../../core/model/system.ts';
import type { HealthView } from '../../../core/view/health-view.ts';
import type { Rows } from '../rows.ts';

/** Undefined: the core is too old to say. */
export async function askHealth(
  { system }: Pick<CoreApi, 'system'>,
  call: CallOptions = {},
): Promise<SystemHealth | undefined> {
  try {
    return await system.health(call);
  } catch (error) {
    // By gRPC, or by HTTP.
    if (['unsupported', 'not_found'].includes(FsbError.from(error).code)) return undefined;
    throw error;
  }
}

export function healthRows(
  { records, set_aside, logs_bytes, damaged_logs, disk, recovery, unsettled, stuck }: HealthView,
  now: number,
): Rows {
  const { failure } = records;
  return [
    ['Records', `${records.count}, ${formatSize(records.size_bytes)}`],
    ['Failed write', failure && `${failure.message} (${formatAge(now - Date.parse(failure.at))} ago)`],
    ['Set aside', set_aside.map(({ path }) => path).join(', ')],
    ['Log size', `${formatSize(logs_bytes)} on the disk`],
    ['Damaged logs', damaged_logs.join(', ')],
    ['Disk', diskText({ free: disk.free_bytes, total: disk.total_bytes })],
    ['Last start', recoveryText(recovery, unsettled.length)],
    ['Not reached yet', unsettled.map((each) => unsettledText(each.sandbox_id, each)).join('; ')],
    ['Cannot destroy', stuck.join(', ')],
  ];
}

/** `sandbox 1f2e: too many files open` */
export const unsettledText = (
  sandboxId: string | null | undefined,
  { instance, reason }: { instance: string; reason: string },
): string => `${sandboxId ? `sandbox ${sandboxId}` : `instance ${instance}`}: ${reason}`;

/** `10GiB of 40GiB free` */
export const diskText = ({ free, total }: SystemHealth['disk']): string =>
  `${formatSize(free)} of ${formatSize(total)} free`;

/**
 * `2 running sandboxes, 1 sandbox lost`; what there was none of is left out.
 * @param unsettled instances that it has not reached yet
 */
export function recoveryText(
  { running, leases, idle, files, destroyed, lost, failed }: RecoveryResult,
  unsettled: number,
): string {
  const parts = [
    [running, running === 1 ? 'running sandbox' : 'running sandboxes'],
    [leases, leases === 1 ? 'lease' : 'leases'],
    [idle, idle === 1 ? 'warm instance' : 'warm instances'],
    [files, files === 1 ? 'ended sandbox with files' : 'ended sandboxes with files'],
    [destroyed, destroyed === 1 ? 'instance destroyed' : 'instances destroyed'],
    [lost, lost === 1 ? 'sandbox lost' : 'sandboxes lost'],
    [failed, failed === 1 ? 'instance not recovered' : 'instances not recovered'],
    [unsettled, unsettled === 1 ? 'instance not reached yet' : 'instances not reached yet'],
  ] as const;
  const told = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return told.join(', ') || 'nothing was left of an earlier core';
}
