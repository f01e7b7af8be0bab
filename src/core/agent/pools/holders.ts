import type { Instance } from '../../instance/instance.ts';
import type { Claim } from '../../pool/pool.ts';
import type { InstanceUse } from '../ledger/records.ts';
import { HeldInstance, type HeldInstanceParts, type Holder } from './held-instance.ts';

export type HoldersOptions = Pick<HeldInstanceParts, 'pool' | 'ledger' | 'files' | 'log'>;

/** Who has which instance of one pool. */
export class Holders {
  readonly #options: HoldersOptions;
  readonly #current = new Map<string, HeldInstance>();
  readonly #usedBefore = new WeakSet<Instance>();
  readonly #watched = new WeakSet<Instance>();

  constructor(options: HoldersOptions) {
    this.#options = options;
  }

  /** To be called in the step in which the claim comes. `use`: what the ledger says of it already. */
  hold(claim: Claim, holder: Holder, use?: InstanceUse): HeldInstance {
    const { instance } = claim;
    const held = new HeldInstance({
      claim,
      holder,
      use,
      fresh: use === undefined && !this.#usedBefore.has(instance),
      ...this.#options,
      left: (leaving) => this.#left(leaving),
    });
    this.#usedBefore.add(instance);
    this.#current.set(instance.id, held);
    this.#watch(instance);
    return held;
  }

  /** Of an idle instance of an earlier core nobody knows who had it. */
  mayHaveBeenUsed(instance: Instance): void {
    this.#usedBefore.add(instance);
  }

  nameOf(instanceId: string): string | undefined {
    const held = this.#current.get(instanceId);
    return held === undefined || held.givenBack ? undefined : held.holder.name;
  }

  /** Who has an instance of an image, as `holder.name` says it. */
  usersOf(digest: string): string[] {
    return [...this.#current.values()]
      .filter(({ instance, givenBack }) => instance.shape.image === digest && !givenBack)
      .map(({ holder }) => holder.name);
  }

  /** Ends every use, by force; resolves when each was given back, or could not be. */
  async endAll(): Promise<void> {
    await Promise.allSettled([...this.#current.values()].map(({ holder }) => holder.end()));
  }

  /** Once for each instance, not for each holder: one that is used again and again would collect listeners. */
  #watch(instance: Instance): void {
    if (this.#watched.has(instance)) return;
    this.#watched.add(instance);
    void instance.failed.then((cause) => this.#current.get(instance.id)?.lose(cause));
  }

  #left(leaving: HeldInstance): boolean {
    const { id } = leaving.instance;
    return this.#current.get(id) === leaving && this.#current.delete(id);
  }
}
