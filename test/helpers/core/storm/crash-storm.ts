import { expect } from 'vitest';
import type { CoreApi } from '../../../../src/core/api/core-api.ts';
import { deleteSandboxes } from '../delete-sandboxes.ts';
import { brokenPromises, execProblem, type Known, specOf } from './promises.ts';

const NAMESPACE = 'storm';

/** Clients that create, execute in and delete sandboxes, and remember what they were told. */
export class CrashStorm {
  readonly known: Known[] = [];
  readonly #random: (below: number) => number;
  #names = 0;

  constructor(random: (below: number) => number) {
    this.#random = random;
  }

  /** Eight clients at once, until the core is killed under them. */
  async rage(api: CoreApi, killed: AbortSignal): Promise<void> {
    const client = async (): Promise<void> => {
      while (!killed.aborted) {
        try {
          await this.#act(api);
        } catch (error) {
          if (!killed.aborted) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, client));
  }

  async #act(api: CoreApi): Promise<void> {
    const living = this.known.filter(({ sandbox, deletion }) => sandbox && deletion === 'none');
    const choice = living.length > 20 ? 8 : this.#random(10);
    const some = living[this.#random(living.length)];
    if (choice < 5 || !some) return this.#create(api);
    if (choice < 7) return this.#exec(api, some);
    return this.#delete(api, some, choice === 9);
  }

  async #create(api: CoreApi): Promise<void> {
    const kind = (['counting', 'exiting', 'exiting', 'expiring'] as const)[this.#random(4)]!;
    const code = 1 + this.#random(9);
    const known: Known = { kind, name: `box-${this.#names++}`, code, deletion: 'none' };
    this.known.push(known);
    const spec = specOf(known, 300 + this.#random(900));
    known.sandbox = await api.sandboxes.create({ namespace: NAMESPACE, name: known.name, spec });
  }

  async #exec(api: CoreApi, { sandbox, kind, name }: Known): Promise<void> {
    if (kind !== 'counting') return;
    // Another client may delete it at this moment.
    const problem = await execProblem(api, sandbox!).catch(() => undefined);
    if (problem) throw new Error(`exec in ${name}: ${problem}`);
  }

  async #delete(api: CoreApi, known: Known, atOnce: boolean): Promise<void> {
    known.deletion = 'asked';
    await api.sandboxes.delete(known.sandbox!, atOnce ? { wait: false } : { grace: 0 });
    known.deletion = 'answered';
  }

  /** After a restart: what was answered is true. */
  async check(api: CoreApi): Promise<void> {
    expect(await brokenPromises(api, NAMESPACE, this.known)).toEqual([]);
  }

  async deleteAll(api: CoreApi): Promise<void> {
    await deleteSandboxes(api.sandboxes);
    expect(await api.sandboxes.list({})).toEqual([]);
    this.known.length = 0;
  }
}
