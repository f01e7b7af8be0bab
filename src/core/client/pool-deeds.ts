import type { PoolApi } from '../api/pool-api.ts';
import type { CallOptions } from '../api/sandbox-api.ts';
import type { PoolInfo } from '../model/pool/pool.ts';
import { changeToWire, poolFromWire } from '../wire/convert/pool.ts';
import { assertPolicyFitsWire, policyInputToWire } from '../wire/convert/pool-policy-input.ts';
import { PoolServiceService as service } from '../wire/gen/fsb/v1/pool.ts';
import { assertNotNewer, carryThrough, type Deed, ifThere } from './deed.ts';
import type { Rpc } from './rpc.ts';

/** What is done to a pool, or to a lease that is there. */
export type PoolDeeds = Pick<PoolApi, 'create' | 'update' | 'delete' | 'stop' | 'drain' | 'kill' | 'release'>;

export interface PoolDeedParts extends Pick<PoolApi, 'get'> {
  rpc: Rpc;
  /** Asks for something that is answered at once. */
  look: (options: CallOptions) => Promise<unknown>;
}

export function poolDeeds({ rpc, get, look }: PoolDeedParts): PoolDeeds {
  const there = (name: string, options?: CallOptions): Promise<PoolInfo | undefined> =>
    ifThere(get(name, { signal: options?.signal }));

  return {
    async create(policy, options) {
      await assertPolicyFitsWire(policy);
      const act = async (): Promise<PoolInfo> =>
        poolFromWire((await rpc.call(service.create, { policy: policyInputToWire(policy) }, options)).pool);
      const again = async (since: number): Promise<PoolInfo> => {
        const now = await there(policy.name, options);
        return now !== undefined && now.createdAt >= since ? now : act();
      };
      return carryThrough({ ...deedOn(policy.name, 'created', act), again }, options, look);
    },
    async update(name, change, options) {
      if (change.policy !== undefined) await assertPolicyFitsWire(change.policy, name);
      const update = async (): Promise<PoolInfo> =>
        poolFromWire((await rpc.call(service.update, changeToWire(name, change), options)).pool);
      return carryThrough(deedOn(name, 'updated', update), options, look);
    },
    async delete(name, { force = false, ...options } = {}) {
      const deed = deedOn(name, 'deleted', async () => {
        await rpc.call(service.delete, { name, force }, options);
      });
      const again = async (since: number): Promise<void> => {
        const now = await there(name, options);
        if (now === undefined) return;
        assertNotNewer(now, since, deed.what);
        await ifThere(deed.act());
      };
      await carryThrough({ ...deed, again }, options, look);
    },
    stop(name, { timeout, ...options } = {}) {
      const stop = async (): Promise<PoolInfo> =>
        poolFromWire((await rpc.call(service.stop, { name, timeoutMilliseconds: timeout }, options)).pool);
      return carryThrough(deedOn(name, 'stopped', stop), options, look);
    },
    drain(name, { timeout, force = false, ...options } = {}) {
      const request = { name, timeoutMilliseconds: timeout, force };
      const drain = async (): Promise<PoolInfo> =>
        poolFromWire((await rpc.call(service.drain, request, options)).pool);
      return carryThrough(deedOn(name, 'drained', drain), options, look);
    },
    async kill(id, options) {
      await carryThrough(
        leaseDeed(`what runs in lease ${id} was killed`, () => rpc.call(service.killLease, { id }, options)),
        options,
        look,
      );
    },
    async release(id, { destroy = false, ...options } = {}) {
      const release = () => rpc.call(service.releaseLease, { id, destroy }, options);
      const deed = leaseDeed<unknown>(`lease ${id} was released`, release);
      await carryThrough({ ...deed, again: () => ifThere(release()) }, options, look);
    },
  };
}

/** @param done `stopped` */
const deedOn = <T>(name: string, done: string, act: () => Promise<T>): Deed<T> => ({
  ...{ what: `pool ${name} was ${done}`, act },
  hint: 'It may have been: see fsb-ctl pool list.',
});

const leaseDeed = <T>(what: string, act: () => Promise<T>): Deed<T> => ({
  ...{ what, act },
  hint: 'It may have been: see fsb-ctl pool leases.',
});
