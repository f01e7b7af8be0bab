import type { PoolApi } from '../api/pool-api.ts';
import { throwIfAborted } from '../model/failure/errors.ts';
import type { Lease } from '../model/pool/pool.ts';
import { assertLeaseFitsWire, leaseFromWire, leaseRequestToWire } from '../wire/convert/lease.ts';
import { changeToWire, poolDetailsFromWire, poolFromWire, poolStatusFromWire } from '../wire/convert/pool.ts';
import { assertPolicyFitsWire, policyInputToWire } from '../wire/convert/pool-policy-input.ts';
import { LeaseRequest, PoolServiceService as service } from '../wire/gen/fsb/v1/pool.ts';
import type { Rpc } from './rpc.ts';

/** The pools of a core, but for what streams. */
export function poolCalls(rpc: Rpc): Omit<PoolApi, 'run' | 'exec'> {
  return {
    status: async (pool, options) =>
      (await rpc.call(service.status, { pool }, options)).rows.map(poolStatusFromWire),
    list: async (options) => (await rpc.call(service.list, {}, options)).pools.map(poolFromWire),
    get: async (name, options) => poolDetailsFromWire(await rpc.call(service.get, { name }, options)),
    async create(policy, options) {
      await assertPolicyFitsWire(policy);
      const request = { policy: policyInputToWire(policy) };
      return poolFromWire((await rpc.call(service.create, request, options)).pool);
    },
    async update(name, change, options) {
      if (change.policy !== undefined) await assertPolicyFitsWire(change.policy, name);
      return poolFromWire((await rpc.call(service.update, changeToWire(name, change), options)).pool);
    },
    async delete(name, { force = false, ...options } = {}) {
      await rpc.call(service.delete, { name, force }, options);
    },
    stop: async (name, { timeout, ...options } = {}) =>
      poolFromWire((await rpc.call(service.stop, { name, timeoutMilliseconds: timeout }, options)).pool),
    async drain(name, { timeout, force = false, ...options } = {}) {
      const request = { name, timeoutMilliseconds: timeout, force };
      return poolFromWire((await rpc.call(service.drain, request, options)).pool);
    },
    async lease(request, options) {
      await assertLeaseFitsWire(request);
      const answer = await rpc.retractable(
        service.lease,
        leaseRequestToWire(request),
        LeaseRequest.create(),
        options,
      );
      const lease = leaseFromWire(answer.lease);
      if (options?.signal?.aborted) await letGo(rpc, lease);
      throwIfAborted(options?.signal);
      return lease;
    },
    leases: async (options) => (await rpc.call(service.leases, {}, options)).leases.map(leaseFromWire),
    async kill(id, options) {
      await rpc.call(service.killLease, { id }, options);
    },
    async release(id, { destroy = false, ...options } = {}) {
      await rpc.call(service.releaseLease, { id, destroy }, options);
    },
  };
}

/** A lease that came too late for its caller. What fails here is the connection, and the core reclaims it in time. */
const letGo = (rpc: Rpc, { id }: Lease): Promise<unknown> =>
  rpc.call(service.releaseLease, { id, destroy: true }).catch(() => {});
