import type { Logger } from 'pino';
import type { Instance } from '../../instance/instance.ts';
import { failpoint } from '../../model/failure/failpoint.ts';
import type { Claim, Pool, ReleaseOptions } from '../../pool/pool.ts';
import { type KeptFiles, keepsFiles } from '../ledger/kept-files.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { InstanceUse } from '../ledger/records.ts';

/** Whoever has an instance. */
export interface Holder {
  /** As people see it: `sandbox NAMESPACE/NAME`, `lease ID` or `run`. */
  name: string;
  /** Ends its use of the instance, by force; resolves when it was given back. */
  end: () => Promise<void>;
  /** Its instance is lost: dead, or out of reach. */
  lost?: (cause: Error) => void;
}

export interface GiveBackOptions extends ReleaseOptions {
  /** The sandbox that keeps the files. */
  filesFor?: string;
}

export interface HeldInstanceParts {
  claim: Claim;
  holder: Holder;
  /** Nobody had the instance before. */
  fresh: boolean;
  pool: Pick<Pool, 'policy' | 'release' | 'resize' | 'holds'>;
  ledger: Pick<Ledger, 'used' | 'unused'>;
  files: Pick<KeptFiles, 'keep' | 'drop'>;
  /** What the ledger says already, of one that was adopted. */
  use?: InstanceUse;
  /** Whoever holds it next may have it already when the pool says that it is given back. @returns whether nobody has */
  left: (held: HeldInstance) => boolean;
  log: Logger;
}

/** An instance in the hands of one holder, on record; given back once. */
export class HeldInstance {
  readonly instance: Instance;
  /** An idle instance served the claim. */
  readonly hit: boolean;
  readonly fresh: boolean;
  readonly holder: Holder;
  readonly #parts: HeldInstanceParts;
  #use: InstanceUse | undefined;
  #gone: Promise<void> | undefined;
  #lost: Error | undefined;

  constructor(parts: HeldInstanceParts) {
    this.#parts = parts;
    this.instance = parts.claim.instance;
    this.hit = parts.claim.hit;
    this.fresh = parts.fresh;
    this.holder = parts.holder;
    this.#use = parts.use;
  }

  /** Why the instance is lost, if it is. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  /** Its holder has it no more, although it may still be on its way out. */
  get givenBack(): boolean {
    return this.#gone !== undefined;
  }

  /** To be called when the instance is lost. */
  lose(cause: Error): void {
    this.#lost = cause;
    if (this.#gone === undefined) this.holder.lost?.(cause);
  }

  /** Resolves when a core that is killed from here on would find the use again. @throws run_failed when the instance is gone */
  use(use: InstanceUse): Promise<void> {
    this.#use = use;
    return this.#parts.ledger.used(this.instance.id, use);
  }

  /** Bytes that it may use from now on. @throws no_capacity, unless `anyway`: it may already */
  resize(memory: number, anyway = false): void {
    if (this.#gone === undefined) this.#parts.pool.resize(this.#parts.claim, memory, anyway);
  }

  /** Resolves when it is destroyed or idle again. Idempotent: the first call decides. */
  giveBack(options: GiveBackOptions = {}): Promise<void> {
    this.#gone ??= this.#giveBack(options);
    return this.#gone;
  }

  async #giveBack({ destroy = false, filesFor }: GiveBackOptions): Promise<void> {
    const { pool, claim, files } = this.#parts;
    const { shape } = this.instance;
    const again = shape.again !== undefined;
    if (filesFor !== undefined && keepsFiles(shape, pool.policy)) files.keep(this.instance.id, filesFor);
    else files.drop(this.instance.id);
    const disowned = !this.#outlivesTheCore() || (await this.#disown());
    failpoint('return.disowned');
    try {
      await pool.release(claim, { destroy: destroy || again || !disowned });
      failpoint('return.released');
    } finally {
      if (this.#parts.left(this)) await this.#clear();
    }
  }

  /** The next core would take up what its record names, although it may be idle, or somebody else's, by then. */
  #outlivesTheCore(): boolean {
    const { by } = this.#use ?? {};
    return by === 'lease' || (by === 'sandbox' && this.#parts.pool.policy.reuse === 'sticky');
  }

  /** False when that could not be written: only an instance that is gone cannot be taken for what it is not. */
  async #disown(): Promise<boolean> {
    const { ledger, log } = this.#parts;
    try {
      await ledger.used(this.instance.id, { by: 'nobody' });
      return true;
    } catch (error) {
      log.error({ err: error, instance: this.instance.id }, 'cannot record that an instance is given back');
      return false;
    }
  }

  /** Until this is written, a new core destroys the instance: a pity, but no harm. */
  async #clear(): Promise<void> {
    const { pool, ledger, log } = this.#parts;
    // One that could not be destroyed yet is still the pool's, but the next core must not take it for an idle one.
    if (!pool.holds(this.instance.id) || this.instance.state === 'stopping') return;
    await ledger
      .unused(this.instance.id)
      .catch((error) =>
        log.error({ err: error, instance: this.instance.id }, 'cannot record an idle instance'),
      );
  }
}
