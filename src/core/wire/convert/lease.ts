import type { LeaseRequest } from '../../api/pool-api.ts';
import { FsbError } from '../../model/failure/errors.ts';
import type { Lease, OnEmpty } from '../../model/pool/pool.ts';
import type { LeaseInfo, LeaseRequest as WireRequest } from '../gen/fsb/v1/pool.ts';
import { defined, definedOrNone, mountFromWire, mountToWire, saidResourcesToWire } from './parts.ts';

/**
 * As assertPolicyFitsWire: what protobuf would drop or bend is refused, with the words of the core.
 * @throws invalid_argument
 */
export async function assertLeaseFitsWire(request: LeaseRequest): Promise<void> {
  const { readLeaseRequest } = await import('../../model/pool/lease-request.ts');
  readLeaseRequest(request);
}

/** The request must have passed assertLeaseFitsWire. */
export function leaseRequestToWire(request: LeaseRequest): WireRequest {
  const { resources } = request;
  return {
    pool: request.pool,
    image: request.image,
    resources: resources && saidResourcesToWire(resources),
    network: request.network,
    mounts: (request.mounts ?? []).map(mountToWire),
    onEmpty: request.onEmpty,
    waitMilliseconds: request.wait,
    ttlMilliseconds: request.ttl,
    label: request.label,
    imageDigest: request.imageDigest,
  };
}

/** Words that the core does not know are kept for it to refuse. */
export function leaseRequestFromWire(wire: WireRequest): LeaseRequest {
  return defined({
    pool: wire.pool,
    image: wire.image,
    resources: definedOrNone(wire.resources),
    network: wire.network as LeaseRequest['network'],
    mounts: wire.mounts.map(mountFromWire),
    onEmpty: wire.onEmpty as OnEmpty | undefined,
    wait: wire.waitMilliseconds,
    ttl: wire.ttlMilliseconds,
    label: wire.label,
    imageDigest: wire.imageDigest,
  });
}

export function leaseToWire({ createdAt, ttl, ...lease }: Lease): LeaseInfo {
  return { label: undefined, ...lease, createdAtMilliseconds: createdAt, ttlMilliseconds: ttl };
}

export function leaseFromWire(wire: LeaseInfo | undefined): Lease {
  if (wire === undefined) throw new FsbError('internal', 'the core answered without a lease');
  const { createdAtMilliseconds, ttlMilliseconds, ...lease } = wire;
  return defined({ ...lease, createdAt: createdAtMilliseconds, ttl: ttlMilliseconds });
}
