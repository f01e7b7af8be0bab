import type { FilesRequest } from '../../api/agent-api.ts';
import { onDiskOf } from '../ledger/disk-under.ts';
import { imageUnder } from '../ledger/image-under.ts';
import type { KeptFiles } from '../ledger/kept-files.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { HeldInstance, Holder } from '../pools/held-instance.ts';
import type { Pools } from '../pools/pools.ts';
import { resolveShape, type ShapeGround } from '../shape-of.ts';

export interface HelperGround extends ShapeGround {
  pools: Pools;
  ledger: Pick<Ledger, 'get'>;
  files: KeptFiles;
}

/**
 * The instance that has the files again, with nothing in it but fsb-init. It is never put on record as anything but
 * files: a core that finds it destroys it and keeps them.
 * @throws as Pool.claim, not_found (pool, image), invalid_argument (mounts)
 */
export async function bootHelper(
  { spec }: FilesRequest,
  instance: string,
  ground: HelperGround,
  holder: Holder,
  signal: AbortSignal,
): Promise<HeldInstance> {
  const { pools, files, ledger, images } = ground;
  const pool = pools.require(spec.pool_ref);
  // Its sandbox has ended, but a full disk may have kept that from being written.
  await files.settle(instance);
  const alone = { ...spec, network: 'none' as const };
  const known = { imageDigest: imageUnder(instance, spec, ledger), isKept: true };
  const { image, shape } = await resolveShape(alone, pool.pool.policy, ground, known);
  const release = images.hold(image.digest);
  const exact = { ...onDiskOf(instance, shape, ledger), again: instance, toolsOnly: true as const };
  return pool
    .claim({ shape: exact, image: image.reference, onEmpty: 'boot', signal }, holder)
    .finally(release);
}
