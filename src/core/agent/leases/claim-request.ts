import type { LeaseRequest } from '../../api/pool-api.ts';
import { surroundingsOf } from '../../model/command.ts';
import { FsbError } from '../../model/errors.ts';
import { HOST_IMAGE } from '../../model/reference.ts';
import { parseSpec } from '../../model/spec.ts';
import type { ClaimRequest } from '../../pool/pool.ts';
import type { Surroundings } from '../ledger/records.ts';
import type { NamedPool } from '../pools/named-pool.ts';
import { resolveShape, type ShapeGround } from '../shape-of.ts';

export interface PreparedClaim {
  claim: ClaimRequest;
  /** What a command in it starts from: the image's own. */
  surroundings: Surroundings;
}

/**
 * Turns what somebody wants to run in into a claim, before anything is claimed.
 * @throws invalid_argument, not_found (image)
 */
export async function prepareClaim(
  request: Omit<LeaseRequest, 'ttl'>,
  pool: NamedPool,
  ground: ShapeGround,
  signal?: AbortSignal,
): Promise<PreparedClaim> {
  const { policy } = pool.pool;
  const { onEmpty, wait: timeout, resources, network, mounts } = request;
  assertMilliseconds(timeout, 'wait');
  const image = request.image ?? policy.warm[0]?.image ?? HOST_IMAGE;
  const spec = parseSpec({ image, resources, network, mounts });
  const { image: found, shape } = await resolveShape(spec, policy, ground);
  return {
    claim: { shape, image: found.reference, onEmpty, timeout, signal },
    surroundings: surroundingsOf(found.config),
  };
}

/** @throws invalid_argument for what is no time; undefined is fine */
export function assertMilliseconds(value: number | undefined, what: string): void {
  if (value === undefined || (Number.isFinite(value) && value >= 0)) return;
  throw new FsbError('invalid_argument', `${what} ${value} is not a number of milliseconds from 0 on`);
}
