import type { PoolApi } from '../api/pool-api.ts';
import type { Leases } from './leases/leases.ts';
import type { Runs } from './leases/runs.ts';
import type { PoolAdmin } from './pools/pool-admin.ts';

/** The node's pools, and what can be had out of them without a sandbox. */
export const poolApi = (admin: PoolAdmin, leases: Leases, runs: Runs): PoolApi => ({
  status: (name) => admin.status(name),
  list: () => admin.list(),
  get: (name) => admin.get(name),
  create: (policy, options) => admin.create(policy, options),
  update: (name, change, options) => admin.update(name, change, options),
  delete: (name, options) => admin.delete(name, options),
  stop: (name, options) => admin.stop(name, options),
  drain: (name, options) => admin.drain(name, options),
  run: (request, options) => runs.run(request, options),
  lease: (request, options) => leases.lease(request, options),
  leases: async () => leases.list(),
  exec: (lease, request, options) => leases.exec(lease, request, options),
  kill: (lease) => leases.kill(lease),
  release: (lease, options) => leases.release(lease, options),
});
