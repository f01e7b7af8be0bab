import type { Endpoint } from './endpoint.ts';
import { imageEndpoints } from './images.ts';
import { nodeAgentEndpoints } from './original-node-api.ts';
import { leaseEndpoints, poolEndpoints } from './pools.ts';
import { sandboxActionEndpoints } from './sandbox-actions.ts';
import { sandboxEndpoints } from './sandboxes.ts';
import { systemEndpoints } from './system.ts';

/** What the document groups them under. */
export const groups: Readonly<Record<string, Endpoint[]>> = {
  sandboxes: [...sandboxEndpoints, ...sandboxActionEndpoints],
  pools: poolEndpoints,
  leases: leaseEndpoints,
  images: imageEndpoints,
  system: systemEndpoints,
  'node agent': nodeAgentEndpoints,
};

/** Everything that the REST API has. */
export const table: readonly Endpoint[] = Object.values(groups).flat();
