import type { handleClientStreamingCall } from '@grpc/grpc-js';
import type { PoolApi } from '../../api/pool-api.ts';
import { FsbError, throwIfAborted } from '../../model/errors.ts';
import type { Lease } from '../../model/pool.ts';
import { leaseRequestFromWire, leaseToWire } from '../../wire/convert/lease.ts';
import type { LeaseRequest, LeaseResponse } from '../../wire/gen/fsb/v1/pool.ts';
import { signalOf, statusOf } from './call.ts';

/**
 * The first message asks for a lease, a second one takes that back. Who takes back instead of cancelling is answered
 * all the same, and so learns of a lease that was made at that very moment; a cancelled call would hide it from both.
 *
 * @param closing ends the calls that wait
 */
export function leaseCall(
  pools: Pick<PoolApi, 'lease' | 'release'>,
  closing: AbortSignal,
): handleClientStreamingCall<LeaseRequest, LeaseResponse> {
  return (call, callback) => {
    const { signal, settle, abort } = signalOf(call, { endWith: closing });
    const answer = async (request: LeaseRequest): Promise<LeaseResponse> => {
      const lease = await pools.lease(leaseRequestFromWire(request), { signal });
      if (signal.aborted) await letGo(pools, lease);
      throwIfAborted(signal);
      return { lease: leaseToWire(lease) };
    };
    let asked = false;
    call.on('data', (request: LeaseRequest) => {
      if (asked) return abort(new FsbError('cancelled', 'the request for a lease was taken back'));
      asked = true;
      answer(request)
        .then(
          (response) => callback(null, response),
          (thrown: unknown) => callback(statusOf(thrown)),
        )
        .finally(settle);
    });
    call.once('end', () => {
      if (asked) return;
      settle();
      callback(statusOf(new FsbError('invalid_argument', 'a lease was asked for without a request')));
    });
  };
}

/** A lease that nobody will know of. One that is lost meanwhile is gone as well. */
const letGo = (pools: Pick<PoolApi, 'release'>, { id }: Lease): Promise<void> =>
  pools.release(id, { destroy: true }).catch((error: unknown) => {
    if (FsbError.from(error).code !== 'not_found') throw error;
  });
