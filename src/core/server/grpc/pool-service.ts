import type { CoreApi } from '../../api/core-api.ts';
import { leaseToWire } from '../../wire/convert/lease.ts';
import {
  changeFromWire,
  newPoolFromWire,
  poolDetailsToWire,
  poolStatusToWire,
  poolToWire,
  waitFromWire,
} from '../../wire/convert/pool.ts';
import type { PoolServiceServer } from '../../wire/gen/fsb/v1/pool.ts';
import { leaseCall } from './lease-call.ts';
import { unary } from './unary.ts';

/** @param closing ends the calls that wait: for instances, or for the end of some */
export function poolService({ pools }: CoreApi, closing: AbortSignal): PoolServiceServer {
  const waiting = { endWith: closing };
  return {
    status: unary(async ({ pool }, options) => ({
      rows: (await pools.status(pool, options)).map(poolStatusToWire),
    })),
    list: unary(async (_request, options) => ({ pools: (await pools.list(options)).map(poolToWire) })),
    get: unary(async ({ name }, options) => poolDetailsToWire(await pools.get(name, options))),
    create: unary(async (request, options) => ({
      pool: poolToWire(await pools.create(newPoolFromWire(request), options)),
    })),
    update: unary(async (request, options) => ({
      pool: poolToWire(await pools.update(request.name, changeFromWire(request), options)),
    })),
    delete: unary(async ({ name, force }, options) => {
      await pools.delete(name, { force, ...options });
      return {};
    }, waiting),
    stop: unary(
      async (request, options) => ({
        pool: poolToWire(await pools.stop(request.name, { ...waitFromWire(request), ...options })),
      }),
      waiting,
    ),
    drain: unary(
      async (request, options) => ({
        pool: poolToWire(
          await pools.drain(request.name, { ...waitFromWire(request), force: request.force, ...options }),
        ),
      }),
      waiting,
    ),
    lease: leaseCall(pools, closing),
    leases: unary(async (_request, options) => ({ leases: (await pools.leases(options)).map(leaseToWire) })),
    killLease: unary(async ({ id }, options) => {
      await pools.kill(id, options);
      return {};
    }),
    releaseLease: unary(async ({ id, destroy }, options) => {
      await pools.release(id, { ...options, destroy });
      return {};
    }),
  };
}
