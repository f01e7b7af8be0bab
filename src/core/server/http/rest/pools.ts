import { leaseView } from '../../../view/lease-view.ts';
import { poolShapeView } from '../../../view/pool-shape-view.ts';
import { poolDetailsView, poolView } from '../../../view/pool-view.ts';
import { type Endpoint, endpoint, silentEndpoint } from './endpoint.ts';
import { lease, leases, pool, poolDetails, poolShapes, pools } from './schemas/pool-answers.ts';
import { forceQuery, releaseQuery } from './schemas/query.ts';
import { newLease, policy, poolChange, poolDrainTerms, poolStopTerms } from './schemas/requests.ts';

const ONE = '/api/v1/pools/{name}';

export const poolEndpoints: Endpoint[] = [
  endpoint('GET /api/v1/pools', pools, {
    operation: 'listPools',
    summary: 'Pools by name.',
    handle: async ({ core, options }) => ({ items: (await core.pools.list(options)).map(poolView) }),
  }),

  endpoint('POST /api/v1/pools', pool, {
    operation: 'createPool',
    summary: 'Makes a pool; warming goes on after the answer.',
    body: policy,
    status: 201,
    fails: ['already_exists', 'image_not_found'],
    handle: async ({ core, said, options }) => poolView(await core.pools.create(said, options)),
  }),

  endpoint(`GET ${ONE}`, poolDetails, {
    operation: 'getPool',
    summary: 'A pool with its shapes and instances.',
    fails: ['not_found'],
    handle: async ({ core, params, options }) => poolDetailsView(await core.pools.get(params.name!, options)),
  }),

  endpoint(`PATCH ${ONE}`, pool, {
    operation: 'updatePool',
    summary: 'Changes what is named; all of it or nothing.',
    body: poolChange,
    fails: ['not_found', 'image_not_found'],
    handle: async ({ core, params, said, options }) =>
      poolView(await core.pools.update(params.name!, said, options)),
  }),

  silentEndpoint(`DELETE ${ONE}`, {
    operation: 'deletePool',
    summary: 'Deletes a pool; with force also one of which instances are claimed.',
    query: forceQuery,
    fails: ['not_found', 'conflict'],
    handle: ({ core, params, query, options }) => core.pools.delete(params.name!, { ...query, ...options }),
  }),

  endpoint(`POST ${ONE}/start`, pool, {
    operation: 'startPool',
    summary: 'Makes a stopped or drained pool active again.',
    fails: ['not_found'],
    handle: async ({ core, params, options }) =>
      poolView(await core.pools.update(params.name!, { start: true }, options)),
  }),

  endpoint(`POST ${ONE}/stop`, pool, {
    operation: 'stopPool',
    summary: 'Answers when nothing idle is left.',
    body: poolStopTerms,
    fails: ['not_found', 'timeout'],
    handle: async ({ core, params, body, options }) =>
      poolView(await core.pools.stop(params.name!, { ...body, ...options })),
  }),

  endpoint(`POST ${ONE}/drain`, pool, {
    operation: 'drainPool',
    summary: 'Refuses claims from now on; answers when no instance is left.',
    body: poolDrainTerms,
    fails: ['not_found', 'timeout'],
    handle: async ({ core, params, body, options }) =>
      poolView(await core.pools.drain(params.name!, { ...body, ...options })),
  }),

  endpoint(`GET ${ONE}/status`, poolShapes, {
    operation: 'getPoolStatus',
    summary: 'A row for each shape of a pool.',
    fails: ['not_found'],
    handle: async ({ core, params, options }) => ({
      items: (await core.pools.status(params.name, options)).map(poolShapeView),
    }),
  }),

  endpoint('GET /api/v1/pool-status', poolShapes, {
    operation: 'listPoolStatus',
    summary: 'A row for each shape of each pool.',
    handle: async ({ core, options }) => ({
      items: (await core.pools.status(undefined, options)).map(poolShapeView),
    }),
  }),
];

export const leaseEndpoints: Endpoint[] = [
  endpoint('GET /api/v1/leases', leases, {
    operation: 'listLeases',
    summary: 'Instances that somebody keeps.',
    handle: async ({ core, options }) => ({ items: (await core.pools.leases(options)).map(leaseView) }),
  }),

  endpoint('POST /api/v1/leases', lease, {
    operation: 'createLease',
    summary: 'Claims an instance of a pool.',
    body: newLease,
    status: 201,
    fails: ['not_found', 'image_not_found', 'no_capacity', 'run_failed'],
    handle: async ({ core, body, said, options }) => {
      const { image_digest: imageDigest, on_empty: onEmpty, wait, ttl, pool: from, image, label } = body;
      const { resources, network, mounts } = said;
      const shape = { resources, network, mounts };
      const request = { pool: from, image, imageDigest, onEmpty, wait, ttl, label, ...shape };
      return leaseView(await core.pools.lease(request, options));
    },
  }),

  silentEndpoint('DELETE /api/v1/leases/{id}', {
    operation: 'releaseLease',
    summary: 'Ends what runs in it; answers when the instance is destroyed, or idle again.',
    query: releaseQuery,
    fails: ['not_found'],
    handle: ({ core, params, query, options }) => core.pools.release(params.id!, { ...query, ...options }),
  }),

  silentEndpoint('POST /api/v1/leases/{id}/kill', {
    operation: 'killLease',
    summary: 'SIGKILL to everything that runs in it; the lease stays.',
    fails: ['not_found'],
    handle: ({ core, params, options }) => core.pools.kill(params.id!, options),
  }),
];
