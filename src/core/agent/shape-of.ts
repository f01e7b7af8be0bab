import type { ImageStore } from '../image/image-store.ts';
import type { ResolvedImage } from '../model/image/image.ts';
import type { PoolPolicy } from '../model/pool/pool.ts';
import { assertWithin, type NodeLimits } from '../model/sandbox/node-limits.ts';
import type { Resources, Shape } from '../model/sandbox/shape.ts';
import type { SandboxSpec } from '../model/sandbox/spec.ts';
import { checkedMounts } from './mount-sources.ts';

/** The boot-time part of a spec. */
export type BootSpec = Pick<SandboxSpec, 'image' | 'resources' | 'network' | 'mounts'>;

/** What turns a spec into a shape on this node. */
export interface ShapeGround {
  images: Pick<ImageStore, 'resolve' | 'hold'>;
  runtime: string;
  /** Of the node. */
  most: NodeLimits;
  /** Where the core keeps its files: no sandbox may mount anything of them. */
  ownDirectories: readonly string[];
}

/**
 * What an instance must have been booted with to serve the spec; what the spec leaves open is the pool's own.
 * @param known of a spec that an earlier instance was booted for: `isKept`; and the digest of the image that the spec's
 *   is to be, whatever its name means
 * @throws image_not_found, invalid_argument (cores, pids, mounts)
 */
export async function resolveShape(
  spec: BootSpec,
  policy: Pick<PoolPolicy, 'resources'>,
  { images, runtime, most, ownDirectories }: ShapeGround,
  known: { imageDigest?: string | undefined; isKept?: boolean } = {},
): Promise<{ image: ResolvedImage; shape: Shape }> {
  assertWithin(spec.resources, most, known.isKept);
  const image = await images.resolve(spec.image, known.imageDigest);
  const mounts = await checkedMounts(spec.mounts, ownDirectories);
  const resources = resourcesOf(spec.resources, policy.resources);
  return { image, shape: shapeOf({ network: spec.network, mounts }, resources, image, runtime) };
}

export function shapeOf(
  { network, mounts }: Pick<SandboxSpec, 'network' | 'mounts'>,
  resources: Resources,
  image: Pick<ResolvedImage, 'digest'>,
  runtime: string,
): Shape {
  return {
    image: image.digest,
    runtime,
    resources,
    network,
    mounts: mounts.map(({ source, target, read_only }) => ({ source, target, readOnly: read_only })),
  };
}

function resourcesOf(said: SandboxSpec['resources'], own: Resources): Resources {
  const disk = said.disk ?? own.disk;
  return {
    cpus: said.cpus ?? own.cpus,
    memory: said.memory ?? own.memory,
    pids: said.pids ?? own.pids,
    ...(disk !== undefined && { disk }),
  };
}
