import type { PoolPolicy } from '../../model/pool/pool.ts';
import type { Shape } from '../../model/sandbox/shape.ts';
import type { Ledger } from './ledger.ts';

export interface KeptFilesOptions {
  ledger: Pick<Ledger, 'get' | 'used'>;
  /** Leaves nothing of an instance. */
  remove: (id: string) => Promise<void>;
}

/**
 * Whether the files belong to the sandbox that ends in it: where instances are used again they are those of all before it,
 * too, and nobody's. One that began with a sandbox's files is never used again.
 * @param policy of its pool; undefined: that cannot be read
 */
export const keepsFiles = (
  { again }: Pick<Shape, 'again'>,
  policy: Pick<PoolPolicy, 'reuse'> | undefined,
): boolean => again !== undefined || policy?.reuse !== 'sticky';

interface Owner {
  sandboxId: string;
  /** The sandbox under whose id its log is: an earlier generation, until the log has come after the files. */
  logOf: string;
}

/**
 * Whose the files are that were written in an instance: its sandbox has them when the instance goes, until it is
 * forgotten, or until another one begins with them. The record of the instance says so, and stays as long as they do.
 * The log goes with them: the record says where it is in between.
 */
export class KeptFiles {
  readonly #options: KeptFilesOptions;
  /** By instance id. */
  readonly #owners = new Map<string, Owner>();

  constructor(options: KeptFilesOptions) {
    this.#options = options;
  }

  /** Its files stay when it goes, or have stayed. */
  has(instance: string): boolean {
    return this.#owners.has(instance);
  }

  /** From instance to sandbox. */
  entries(): [string, string][] {
    return [...this.#owners].map(([instance, { sandboxId }]) => [instance, sandboxId]);
  }

  /** The instance in which the files of a sandbox were written. */
  of(sandboxId: string): string | undefined {
    return this.entries().find(([, owner]) => owner === sandboxId)?.[0];
  }

  /** The sandboxes whose files lie over this image, also those whose instance is just going. */
  ownersOn(digest: string): string[] {
    return this.entries().flatMap(([instance, sandboxId]) =>
      this.#options.ledger.get(instance)?.shape.image === digest ? [sandboxId] : [],
    );
  }

  /** The sandbox under whose id the log of a sandbox is. */
  logOf(sandboxId: string): string {
    return this.#ownerOf(({ sandboxId: owner }) => owner === sandboxId)?.logOf ?? sandboxId;
  }

  /** Whether the log under this id goes with files. */
  hasLog(sandboxId: string): boolean {
    return this.#ownerOf(({ logOf }) => logOf === sandboxId) !== undefined;
  }

  /** The log of a sandbox is under its own id from now on. The record may say otherwise until it is written again. */
  logCame(sandboxId: string): void {
    const instance = this.of(sandboxId);
    if (instance !== undefined) this.keep(instance, sandboxId, sandboxId);
  }

  /** They stay when the instance goes. @param logOf left out: as it was */
  keep(instance: string, sandboxId: string, logOf = this.logOf(sandboxId)): void {
    this.#owners.set(instance, { sandboxId, logOf });
  }

  /** They go with the instance. */
  drop(instance: string): void {
    this.#owners.delete(instance);
  }

  /** The instance is gone: all that is left is theirs. */
  async settle(instance: string): Promise<void> {
    const owner = this.#owners.get(instance);
    if (owner === undefined) return;
    const { sandboxId, logOf } = owner;
    const use = { by: 'files' as const, sandboxId, ...(logOf !== sandboxId && { logOf }) };
    await this.#options.ledger.used(instance, use);
  }

  /**
   * They are another sandbox's from now on; the log is to follow.
   * @returns the instance; undefined: there are none
   * @throws what the disk says: then they are whose they were
   */
  async handOver(from: string, to: string): Promise<string | undefined> {
    const instance = this.of(from);
    if (instance === undefined) return undefined;
    const logOf = this.logOf(from);
    this.keep(instance, to, logOf);
    try {
      await this.settle(instance);
    } catch (error) {
      this.keep(instance, from, logOf);
      throw error;
    }
    return instance;
  }

  /**
   * Removes those of a sandbox that has ended; fine when it has none.
   * @throws what the disk says: what is left of them is still its, to be removed by the next try
   */
  async discard(sandboxId: string): Promise<void> {
    const instance = this.of(sandboxId);
    if (instance === undefined) return;
    const logOf = this.logOf(sandboxId);
    this.drop(instance);
    try {
      await this.#options.remove(instance);
    } catch (error) {
      this.keep(instance, sandboxId, logOf);
      throw error;
    }
  }

  #ownerOf(isMeant: (owner: Owner) => boolean): Owner | undefined {
    for (const owner of this.#owners.values()) if (isMeant(owner)) return owner;
  }
}
