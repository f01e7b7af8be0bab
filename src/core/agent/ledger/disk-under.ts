import type { Shape } from '../../model/sandbox/shape.ts';
import type { Ledger } from './ledger.ts';

/**
 * The shape, with the disk of kept files: what was written lies on one of a size that nothing changes, or on none at all,
 * whatever the pool gives to others by now.
 */
export function onDiskOf(instance: string, shape: Shape, ledger: Pick<Ledger, 'get'>): Shape {
  const { disk: _, ...resources } = shape.resources;
  const disk = ledger.get(instance)?.shape.resources.disk;
  return { ...shape, resources: { ...resources, ...(disk !== undefined && { disk }) } };
}
