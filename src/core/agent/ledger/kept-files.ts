import type { Ledger } from './ledger.ts';

export interface KeptFilesOptions {
  ledger: Pick<Ledger, 'get' | 'used'>;
  /** Leaves nothing of an instance. */
  remove: (id: string) => Promise<void>;
}

/**
 * Whose the files are that were written in an instance: its sandbox has them when the instance goes, until it is
 * forgotten, or until another one begins with them. The record of the instance says so, and stays as long as they do.
 */
export class KeptFiles {
  readonly #options: KeptFilesOptions;
  /** Sandbox ids by instance id. */
  readonly #owners = new Map<string, string>();

  constructor(options: KeptFilesOptions) {
    this.#options = options;
  }

  /** Its files stay when it goes, or have stayed. */
  has(instance: string): boolean {
    return this.#owners.has(instance);
  }

  /** From instance to sandbox. */
  entries(): [string, string][] {
    return [...this.#owners];
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

  /** They stay when the instance goes. */
  keep(instance: string, sandboxId: string): void {
    this.#owners.set(instance, sandboxId);
  }

  /** They go with the instance. */
  drop(instance: string): void {
    this.#owners.delete(instance);
  }

  /** The instance is gone: all that is left is theirs. */
  async settle(instance: string): Promise<void> {
    const sandboxId = this.#owners.get(instance);
    if (sandboxId !== undefined) await this.#options.ledger.used(instance, { by: 'files', sandboxId });
  }

  /** They are another sandbox's from now on. @returns the instance; undefined: there are none */
  async handOver(from: string, to: string): Promise<string | undefined> {
    const instance = this.of(from);
    if (instance === undefined) return undefined;
    this.keep(instance, to);
    await this.settle(instance);
    return instance;
  }

  /** Removes those of a sandbox that has ended; fine when it has none. */
  async discard(sandboxId: string): Promise<void> {
    const instance = this.of(sandboxId);
    if (instance === undefined) return;
    this.drop(instance);
    await this.#options.remove(instance);
  }
}
