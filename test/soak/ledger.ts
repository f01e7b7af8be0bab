import type { CoreApi } from '../../src/core/api/core-api.ts';
import { brokenPromises, type Kind, type Known } from '../helpers/core/storm/promises.ts';

export const NAMESPACE = 'soak';

/** Cycles of which every outcome was demanded, and those that a kill beside them excused. */
export const CERTAIN = 'cycles for sure';
const EXCUSED = 'cycles excused';

/** Something a client does whose guest may be killed from outside meanwhile: then its outcome is not for sure. */
export interface Attempt {
  uncertain?: boolean;
}

export interface KnownLease extends Attempt {
  id: string;
  /** Its release was asked for. */
  released: boolean;
}

/** What clients have been told by cores, and what was done behind their backs. */
export class Ledger {
  readonly sandboxes = new Set<Known>();
  readonly leases = new Set<KnownLease>();
  readonly problems: string[] = [];
  readonly counts = new Map<string, number>();
  readonly #underWay = new Set<Attempt>();
  #disturbances = 0;
  #names = 0;

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  get cycles(): number {
    return this.counts.get('cycles') ?? 0;
  }

  newName(): string {
    return `box-${this.#names++}`;
  }

  newSandbox(kind: Kind, code: number): Known {
    const known: Known = { kind, name: this.newName(), code, deletion: 'none' };
    this.sandboxes.add(known);
    return known;
  }

  /** Whose instance is not known while this is under way. */
  async attempt<T>(attempt: Attempt, act: () => Promise<T>): Promise<T> {
    if (this.#disturbances > 0) attempt.uncertain = true;
    this.#underWay.add(attempt);
    try {
      return await act();
    } finally {
      this.#underWay.delete(attempt);
    }
  }

  /** At the end of a cycle that was not cut off: one whose outcome nobody could know shows nothing. */
  finish({ uncertain }: Attempt): void {
    this.count('cycles');
    this.count(uncertain ? EXCUSED : CERTAIN);
  }

  /** Around what may hit every attempt that is under way, or begins meanwhile. */
  async disturb(act: () => Promise<void>): Promise<void> {
    this.#disturbances += 1;
    // A lease that a killed core has left behind is there until somebody clears up, whoever took it.
    for (const attempt of [...this.#underWay, ...this.leases]) attempt.uncertain = true;
    try {
      await act();
    } finally {
      this.#disturbances -= 1;
    }
  }

  /** After a restart of the core: what was answered is true. */
  async check(api: CoreApi): Promise<void> {
    const leases = new Set((await api.pools.leases()).map(({ id }) => id));
    for (const { id, released, uncertain } of this.leases)
      if (!released && !uncertain && !leases.has(id)) this.problems.push(`lease ${id} is gone`);
    this.problems.push(...(await brokenPromises(api, NAMESPACE, [...this.sandboxes])));
  }

  /** Every sandbox and lease of the core, whoever made it. */
  async deleteAll(api: CoreApi): Promise<void> {
    const boxes = await api.sandboxes.list({});
    // The deletion of one that is on its way out already may end in between.
    await Promise.all(boxes.map((box) => api.sandboxes.delete(box, { grace: 0 }).catch(unlessGone)));
    const leases = await api.pools.leases();
    await Promise.all(leases.map(({ id }) => api.pools.release(id).catch(unlessGone)));
    this.sandboxes.clear();
    this.leases.clear();
  }
}

export function unlessGone(error: { code?: string }): void {
  if (error.code !== 'not_found') throw error;
}
