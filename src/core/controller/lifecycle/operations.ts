import type { StopOptions } from '../../api/sandbox-api.ts';
import { abortable } from '../../model/async/abortable.ts';
import { Turns } from '../../model/async/turns.ts';
import { assertSignal } from '../../model/process.ts';
import type { Sandbox, SandboxRef } from '../../model/sandbox/sandbox.ts';
import { assertStays } from '../decide/requirements.ts';
import type { Registry } from '../records/registry.ts';
import type { SandboxEntry } from '../records/sandbox-entry.ts';
import type { Ending, Generations } from './generations.ts';

/**
 * One operation on a sandbox at a time, in the order of the calls; a deletion waits for none and ends them all. A caller
 * who leaves, leaves what has begun to go on to its end.
 */
export class Operations {
  readonly #registry: Registry;
  readonly #generations: Pick<Generations, 'hurry'>;
  readonly #turns = new Turns();

  constructor(registry: Registry, generations: Pick<Generations, 'hurry'>) {
    this.#registry = registry;
    this.#generations = generations;
  }

  /** The creation, which nothing can have come before. */
  first<T>(entry: SandboxEntry, create: () => Promise<T>): Promise<T> {
    return this.#turns.take(entry.key, create);
  }

  /** What nobody asked for; nothing for one that is gone, or on its way. */
  byItself(entry: SandboxEntry, change: () => Promise<void>): Promise<void> {
    return this.#turns.take(entry.key, async () => {
      if (!entry.gone && entry.sandbox.state.phase !== 'Terminating') await change();
    });
  }

  /** @throws not_found (also of one whose creation failed), conflict (being deleted), what the change throws, the signal's reason */
  async take(
    ref: SandboxRef,
    change: (entry: SandboxEntry) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<Sandbox> {
    const entry = this.#registry.require(ref);
    assertStays(entry.sandbox);
    const work = async (): Promise<Sandbox> => {
      assertStays(entry.sandbox);
      // Its creation may have failed meanwhile.
      if (entry.gone) throw entry.gone;
      await change(entry);
      return entry.sandbox;
    };
    return abortable(this.#turns.take(entry.key, work, signal), signal);
  }

  /** One that begins with the end of the sandbox, which need not be longer than the least patient caller wants. */
  async ending(
    ref: SandboxRef,
    { grace, stopSignal, signal }: StopOptions,
    change: (entry: SandboxEntry, how: Ending) => Promise<void>,
  ): Promise<Sandbox> {
    if (stopSignal !== undefined) assertSignal(stopSignal);
    const graceOf = ({ sandbox }: SandboxEntry): number => grace ?? sandbox.spec.grace_period;
    const entry = this.#registry.require(ref);
    this.#generations.hurry(entry, graceOf(entry));
    return this.take(ref, (it) => change(it, { grace: graceOf(it), stopSignal }), signal);
  }
}
