import type { CoreApi } from '../core/api/core-api.ts';
import { FsbError } from '../core/model/errors.ts';
import { type Listing, type OutputFormat, render } from './output/output.ts';
import { sideBySide } from './output/side-by-side.ts';
import { ReportingCommand } from './reporting-command.ts';
import { tryWrite, write } from './streams.ts';

/** Milliseconds after which a person wants to know why nothing happens. */
const LONG = 1_000;

/** What every command has: beside a core and a place for failures, ways to print its result and to talk to people. */
export abstract class BaseCommand extends ReportingCommand {
  protected get format(): OutputFormat {
    return this.globals.json ? 'json' : (this.globals.output ?? this.settings.output);
  }

  /** The user chose a format; -q is one. */
  protected get formatGiven(): boolean {
    return this.globals.json === true || this.globals.output !== undefined || this.quiet;
  }

  protected get quiet(): boolean {
    return this.globals.quiet === true;
  }

  protected get colors(): boolean {
    const { env, terminal } = this.world;
    if (this.globals['no-color'] || env.NO_COLOR || env.TERM === 'dumb') return false;
    const { color } = this.settings;
    return color === 'always' || (color === 'auto' && terminal.stdout.isTTY === true);
  }

  /** The result is data for a program, one document: nothing else may go to stdout. */
  protected get forPrograms(): boolean {
    return this.format === 'json' || this.format === 'yaml';
  }

  /** The result, in the format that was asked for, on stdout. */
  protected async print<T>(listing: Listing<T>): Promise<void> {
    await this.out(await render(listing, { format: this.format, quiet: this.quiet, colors: this.colors }));
  }

  /**
   * Does it to all of them side by side, prints those that are done, in the order given, and reports every failure.
   * `act` resolves with false where there was nothing to do.
   */
  protected async forEach<T>(
    items: T[],
    act: (item: T) => Promise<unknown>,
    view: (item: T) => { name: string },
  ): Promise<void> {
    const done: { name: string }[] = [];
    for await (const { item, result, error } of sideBySide(items, act)) {
      if (error) await this.report(error);
      if (error || result === false) continue;
      done.push(view(item));
      // People see each as soon as it is done.
      if (!this.forPrograms) await this.out(`${view(item).name}\n`);
    }
    if (this.forPrograms) await this.print({ items: done, columns: [], name: ({ name }) => name });
  }

  protected async out(text: string): Promise<void> {
    if (text !== '') await write(this.world.terminal.stdout, text);
  }

  /** Nobody wants to read how things go: -q, and formats for programs. */
  protected get silent(): boolean {
    return this.quiet || this.forPrograms;
  }

  /** A line for people, on stderr; silent with -q and in machine formats, and when there is nothing to say. */
  protected async say(text: string | undefined): Promise<void> {
    if (text === undefined || this.silent) return;
    await tryWrite(this.world.terminal.stderr, `${text}\n`);
  }

  /** Tells a person at a terminal what the command waits for, when that takes long. */
  protected async patiently<T>(work: Promise<T>, text: string): Promise<T> {
    const { clock, terminal } = this.world;
    if (!terminal.stderr.isTTY) return work;
    const cancel = clock.after(LONG, () => void this.say(text));
    return work.finally(cancel);
  }

  /** What even a quiet command must say beside its output, on stderr: an object for programs, a line for people. */
  protected async tell(data: Record<string, string>, text: string): Promise<void> {
    const line = this.forPrograms ? JSON.stringify(data) : text;
    await tryWrite(this.world.terminal.stderr, `${line}\n`);
  }

  /** Asks the core that runs; undefined, and a word about it, where the local one does not and that is nothing wrong. */
  protected async ifRunning<T>(ask: (core: CoreApi) => Promise<T>): Promise<T | undefined> {
    try {
      return await ask(await this.core(false));
    } catch (error) {
      if (FsbError.from(error).code !== 'unavailable' || this.settings.core.endpoint !== undefined)
        throw error;
      await this.say('No core is running.');
      return undefined;
    }
  }
}
