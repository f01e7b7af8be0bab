import type { ResolvedImage } from '../model/image.ts';
import type { Shape } from '../model/shape.ts';
import type { SandboxSpec } from '../model/spec.ts';

/** The boot-time part of a spec: what an instance must have been booted with to serve it. */
export function shapeOf(
  spec: Pick<SandboxSpec, 'resources' | 'network' | 'mounts'>,
  image: ResolvedImage,
  runtime: string,
): Shape {
  return {
    image: image.digest,
    runtime,
    resources: spec.resources,
    network: spec.network,
    mounts: spec.mounts.map(({ source, target, read_only }) => ({ source, target, readOnly: read_only })),
  };
}
