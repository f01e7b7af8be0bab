import type { CoreApi } from '../../core/api/core-api.ts';
import type { Sandbox, SandboxRef } from '../../core/model/sandbox/sandbox.ts';
import { endingLine } from '../output/ending-line.ts';
import { BaseCommand } from './base-command.ts';

/** What is done to several sandboxes by their names. */
export abstract class NamesCommand extends BaseCommand {
  /** Side by side; prints the name of each that is done, in the order given, and reports every failure. */
  protected async forNames(
    names: string[],
    act: (core: CoreApi, ref: SandboxRef) => Promise<unknown>,
  ): Promise<void> {
    const refs = [...new Set(names)].map((name) => this.ref(name));
    const core = await this.core();
    await this.forEach(
      refs,
      (ref) => act(core, ref),
      ({ name, namespace }, answer) => ({ name: nameIn(answer) ?? name, namespace }),
    );
  }

  /** The same with what ends them first, which may take its time. @param grace milliseconds, where it was given */
  protected forEnding(
    names: string[],
    grace: number | undefined,
    end: (core: CoreApi, ref: SandboxRef) => Promise<unknown>,
  ): Promise<void> {
    return this.forNames(names, (core, ref) => this.patiently(end(core, ref), endingLine(ref.name, grace)));
  }
}

/** Of a sandbox, which may have been named by its id. */
const nameIn = (answer: unknown): string | undefined => (answer as Partial<Sandbox> | undefined)?.name;
