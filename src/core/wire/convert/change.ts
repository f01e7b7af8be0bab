import type { SandboxChange } from '../../api/sandbox-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { SandboxRef } from '../../model/sandbox/sandbox.ts';
import type { UpdateRequest, SandboxChange as WireChange } from '../gen/fastpath/v1/fastpath.ts';
import { policyNumber } from './create.ts';
import { defined, definedOrNone, refToWire, resourcesToWire } from './parts.ts';
import { policyFromWire } from './spec.ts';

/** Changes of a sandbox, in the words of today and in those of the first version of the API. */

/**
 * As assertSpecFitsWire: what protobuf would drop or bend is refused, with the words of the core.
 * @throws invalid_argument
 */
export async function assertChangeFitsWire(change: SandboxChange): Promise<void> {
  const { readChange } = await import('../../model/sandbox/change.ts');
  readChange(change);
}

/** The change must have passed assertChangeFitsWire. */
export function changeToWire(ref: SandboxRef, change: SandboxChange): UpdateRequest {
  const { labels = {}, failurePolicy, resources } = change;
  const set = Object.entries(labels).filter((label): label is [string, string] => label[1] !== null);
  return {
    ...{ ...refToWire(ref), update: undefined, labels: {} },
    change: {
      expireTimeSeconds: change.expireTime,
      ttlMilliseconds: change.ttl,
      failurePolicy: failurePolicy === undefined ? undefined : policyNumber(failurePolicy),
      recoveryTimeoutSeconds: change.recoveryTimeoutSeconds,
      labels: Object.fromEntries(set),
      removeLabels: Object.keys(labels).filter((key) => labels[key] === null),
      resources: resources && resourcesToWire(resources),
      detached: change.detached ?? false,
    },
  };
}

/** All that the request changes but the reset; no key: nothing. */
export function changeFromWire({ update, labels, change }: UpdateRequest): SandboxChange {
  const old: Partial<WireChange> = update ? { [update.$case]: update.value } : {};
  const { expireTimeSeconds, failurePolicy, recoveryTimeoutSeconds } = { ...old, ...definedOrNone(change) };
  const removed = (change?.removeLabels ?? []).map((key) => [key, null] as const);
  const changed = { ...labels, ...change?.labels, ...Object.fromEntries(removed) };
  return defined({
    expireTime: expireTimeSeconds,
    ttl: change?.ttlMilliseconds,
    failurePolicy: policyFromWire(failurePolicy),
    recoveryTimeoutSeconds,
    labels: Object.keys(changed).length === 0 ? undefined : changed,
    resources: definedOrNone(change?.resources),
    detached: change?.detached || undefined,
  });
}

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** As it was written: a client's clock tells nothing here. Undefined: no reset is asked for. @throws invalid_argument */
export function resetRevisionFromWire({ update }: Pick<UpdateRequest, 'update'>): string | undefined {
  if (update?.$case !== 'resetRevision') return undefined;
  const time = RFC3339.test(update.value) ? Date.parse(update.value.replace(' ', 'T')) : Number.NaN;
  if (!Number.isNaN(time)) return update.value;
  throw new FsbError('invalid_argument', `invalid reset_revision ${JSON.stringify(update.value)}`, {
    hint: 'Give a time of RFC 3339, like 2026-01-31T10:00:00Z.',
  });
}
