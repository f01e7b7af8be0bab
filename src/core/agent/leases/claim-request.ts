import type { LeaseRequest } from '../../api/pool-api.ts';
import type { ResolvedImage } from '../../model/image/image.ts';
import { HOST_IMAGE } from '../../model/image/reference.ts';
import { readLeaseRequest } from '../../model/pool/lease-request.ts';
import { surroundingsOf } from '../../model/sandbox/command.ts';
import type { Surroundings } from '../ledger/records.ts';
import type { HeldInstance, Holder } from '../pools/held-instance.ts';
import type { NamedPool } from '../pools/named-pool.ts';
import type { Pools } from '../pools/pools.ts';
import { resolveShape, type ShapeGround } from '../shape-of.ts';

export interface PreparedClaim {
  pool: NamedPool;
  image: ResolvedImage;
  /** What a command in it starts from: the image's own. */
  surroundings: Surroundings;
  /** Of a lease, milliseconds. */
  ttl: number;
  /** Of a lease. */
  label?: string;
  /** To be called at once: only from then on is the image held. @throws as Pool.claim */
  claim(holder: Holder): Promise<HeldInstance>;
}

/**
 * Turns what somebody wants to run in into a claim, before anything is claimed.
 * @throws invalid_argument, not_found (pool), image_not_found
 */
export async function prepareClaim(
  request: LeaseRequest,
  ground: ShapeGround & { pools: Pools },
  signal?: AbortSignal,
): Promise<PreparedClaim> {
  const said = readLeaseRequest(request);
  const { onEmpty, wait: timeout } = said;
  const pool = ground.pools.require(said.pool);
  const { policy } = pool.pool;
  const spec = { ...said, image: said.image ?? policy.warm[0]?.image ?? HOST_IMAGE };
  const { image, shape } = await resolveShape(spec, policy, ground, { imageDigest: said.imageDigest });
  return {
    pool,
    image,
    surroundings: surroundingsOf(image.config),
    ttl: said.ttl ?? policy.leaseTtl,
    ...(said.label === undefined ? {} : { label: said.label }),
    claim(holder) {
      // Until an instance of it does: a claim may have to wait for its turn.
      const release = ground.images.hold(image.digest);
      return pool.claim({ shape, image: image.reference, onEmpty, timeout, signal }, holder).finally(release);
    },
  };
}
