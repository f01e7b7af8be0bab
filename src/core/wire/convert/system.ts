import { FsbError } from '../../model/failure/errors.ts';
import type { SandboxRef } from '../../model/sandbox/sandbox.ts';
import type { InstanceHolder, LogUsage, SystemHealth, SystemUsage } from '../../model/system.ts';
import type { SystemHealthResponse, SystemUsageResponse, LogUsage as WireLog } from '../gen/fsb/v1/system.ts';
import { defined } from './parts.ts';

/** What the core takes, and how it is. */

export const usageToWire = (usage: SystemUsage): SystemUsageResponse => ({
  ...usage,
  logs: usage.logs.map(logToWire),
  records: { ...usage.records, failure: undefined },
});

export function usageFromWire({ images, records, ...usage }: SystemUsageResponse): SystemUsage {
  if (images === undefined || records === undefined) throw incomplete('usage');
  return {
    ...usage,
    images: { ...images },
    // A core of a later version may know holders that this one has no name for; they are passed on as they are.
    instances: usage.instances.map((each) => defined({ ...each, holder: each.holder as InstanceHolder })),
    logs: usage.logs.map(logFromWire),
    records: { count: records.count, size: records.size },
  };
}

export function healthToWire({ records, ...health }: SystemHealth): SystemHealthResponse {
  const { failure } = records;
  const told = failure && { message: failure.message, over: failure.over, atMilliseconds: failure.at };
  return { ...health, records: { ...records, failure: told } };
}

export function healthFromWire({ records, disk, recovery, ...health }: SystemHealthResponse): SystemHealth {
  if (records === undefined || disk === undefined || recovery === undefined) throw incomplete('health');
  const { count, size, failure } = records;
  const unsettled = health.unsettled.map((each) => defined(each));
  const told = failure && { at: failure.atMilliseconds, message: failure.message, over: failure.over };
  return { ...health, unsettled, disk, recovery, records: { count, size, ...(told && { failure: told }) } };
}

export const logToWire = ({ sandboxId, size, deleted }: LogUsage): WireLog => ({
  ...{ sandboxId, size },
  deleted: deleted && { ...refOf(deleted), atMilliseconds: deleted.at },
});

export const logFromWire = ({ sandboxId, size, deleted }: WireLog): LogUsage => ({
  ...{ sandboxId, size },
  ...(deleted && { deleted: { ...refOf(deleted), at: deleted.atMilliseconds } }),
});

const refOf = ({ namespace, name }: SandboxRef): SandboxRef => ({ namespace, name });

const incomplete = (what: string): FsbError =>
  new FsbError('internal', `the core told its ${what} without its content`);
