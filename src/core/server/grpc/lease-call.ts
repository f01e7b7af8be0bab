import type { handleClientStreamingCall } from '@grpc/grpc-js';
import type { PoolApi } from '../../api/pool-api.ts';
import { FsbError, throwIfAborted } from '../../model/failure/errors.ts';
import type { Lease } from '../../model/pool/pool.ts';
import { leaseRequestFromWire, leaseToWire } from '../../wire/convert/lease.ts';
import type { LeaseRequest, LeaseResponse } from '../../wire/gen/fsb/v1/pool.ts';
import { retractable } from './retractable.ts';

/** @param closing ends the calls that wait */
export const leaseCall = (
  pools: Pick<PoolApi, 'lease' | 'release'>,
  closing: AbortSignal,
): handleClientStreamingCall<LeaseRequest, LeaseResponse> =>
  retractable(
    'a lease',
    async (request, { signal }) => {
      const lease = await pools.lease(leaseRequestFromWire(request), { signal });
      if (signal.aborted) await letGo(pools, lease);
      throwIfAborted(signal);
      return { lease: leaseToWire(lease) };
    },
    { endWith: closing },
  );

/** A lease that nobody will know of. One that is lost meanwhile is gone as well. */
const letGo = (pools: Pick<PoolApi, 'release'>, { id }: Lease): Promise<void> =>
  pools.release(id, { destroy: true }).catch((error: unknown) => {
    if (FsbError.from(error).code !== 'not_found') throw error;
  });
