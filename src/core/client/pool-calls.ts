import type { PoolApi } from '../api/pool-api.ts';
import { throwIfAborted } from '../model/failure/errors.ts';
import type { Lease } from '../model/pool/pool.ts';
import { assertLeaseFitsWire, leaseFromWire, leaseRequestToWire } from '../wire/convert/lease.ts';
import { poolDetailsFromWire, poolFromWire, poolStatusFromWire } from '../wire/convert/pool.ts';
import { LeaseRequest, PoolServiceService as service } from '../wire/gen/fsb/v1/pool.ts';
import type { Absence } from './absence.ts';
import { orCannotTell } from './deed.ts';
import { poolDeeds } from './pool-deeds.ts';
import type { Rpc } from './rpc.ts';

/** The pools of a core, but for what streams. */
export function poolCalls(rpc: Rpc, absence?: Absence): Omit<PoolApi, 'run' | 'exec'> {
  const list: PoolApi['list'] = async (options) =>
    (await rpc.call(service.list, {}, options)).pools.map(poolFromWire);
  const get: PoolApi['get'] = async (name, options) =>
    poolDetailsFromWire(await rpc.call(service.get, { name }, options));
  return {
    status: async (pool, options) =>
      (await rpc.call(service.status, { pool }, options)).rows.map(poolStatusFromWire),
    list,
    get,
    async lease(request, options) {
      await assertLeaseFitsWire(request);
      const terms = leaseRequestToWire(request);
      const answer = await orCannotTell({
        what: `an instance of pool ${request.pool} was leased`,
        hint: 'See fsb-ctl pool leases, and let go of it with fsb-ctl pool release.',
        act: () => rpc.retractable(service.lease, terms, LeaseRequest.create(), options),
      });
      const lease = leaseFromWire(answer.lease);
      if (options?.signal?.aborted) await letGo(rpc, lease);
      throwIfAborted(options?.signal);
      return lease;
    },
    leases: async (options) => (await rpc.call(service.leases, {}, options)).leases.map(leaseFromWire),
    ...poolDeeds({ rpc, get, look: absence?.watch(list) ?? list }),
  };
}

/** A lease that came too late for its caller. What fails here is the connection, and the core reclaims it in time. */
const letGo = (rpc: Rpc, { id }: Lease): Promise<unknown> =>
  rpc.call(service.releaseLease, { id, destroy: true }).catch(() => {});
