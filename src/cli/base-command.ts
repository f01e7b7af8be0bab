import { Command, type Config, type Interfaces } from '@oclif/core';
import type { CoreApi } from '../core/api/core-api.ts';
import type { CallOptions } from '../core/api/sandbox-api.ts';
import { abortable } from '../core/model/abortable.ts';
import { FsbError } from '../core/model/errors.ts';
import { assertName } from '../core/model/ids.ts';
import { formatDuration } from '../core/model/quantity.ts';
import type { SandboxRef } from '../core/model/sandbox.ts';
import { Settings } from './config/settings.ts';
import { describeFailure, type FailureContext } from './failure.ts';
import { globalFlags } from './flags.ts';
import { Interruption } from './interruption.ts';
import { type Listing, type OutputFormat, render } from './output/output.ts';
import { sideBySide } from './output/side-by-side.ts';
import { tryWrite, write } from './streams.ts';
import { wantsJson } from './wants-json.ts';
import type { World } from './world.ts';

// The bounds of oclif's own parse(), which it does not export.
// biome-ignore lint/suspicious/noExplicitAny: as there
type FlagValues = Record<string, any>;
type ArgValues = FlagValues;
type GlobalFlags = Interfaces.InferredFlags<typeof globalFlags>;

/** Milliseconds after which a person wants to know why nothing happens. */
const LONG = 1_000;

/**
 * What every command has: the global flags, one connection to the core, cancellation by signal and timeout, and one
 * place that turns whatever was thrown into a text and an exit code.
 */
export abstract class BaseCommand extends Command {
  static override baseFlags = globalFlags;

  protected readonly world: World;
  protected readonly interruption: Interruption;
  #flags: Partial<GlobalFlags> = {};
  #settings: Settings | undefined;
  #core: Promise<CoreApi> | undefined;
  #failureCode = 0;

  constructor(argv: string[], config: Config, world: World) {
    super(argv, config);
    this.world = world;
    this.interruption = new Interruption(world);
  }

  /** The exit code, when it is not 0. */
  abstract override run(): Promise<number | undefined>;

  /** Runs it to its end; never rejects. */
  async execute(): Promise<number> {
    const code = (await this._run()) as number | undefined;
    return this.#failureCode || (code ?? 0);
  }

  protected override async parse<F extends FlagValues, B extends FlagValues, A extends ArgValues>(
    options?: Interfaces.Input<F, B, A>,
    argv?: string[],
  ): Promise<Interfaces.ParserOutput<F, B, A>> {
    // Flags that do not parse are the user's slip; oclif would warn that the command forgot to look at them.
    this.parsed = true;
    const parsed = await super.parse<F, B, A>(options, argv);
    this.#flags = this.#globalsOf(parsed.flags);
    const { timeout } = this.#flags;
    // A command with a --timeout of its own hands it to the core, which knows best what to do at the deadline.
    const own = Object.hasOwn(this.ctor.flags ?? {}, 'timeout');
    if (timeout !== undefined && !own)
      this.interruption.limit(timeout, this.world.clock, formatDuration(timeout));
    return parsed;
  }

  /** A command that has a flag of its own by such a name means something else by it: `image save -o FILE`. */
  #globalsOf(flags: FlagValues): Partial<GlobalFlags> {
    const own = this.ctor.flags ?? {};
    return Object.hasOwn(own, 'output') ? { ...flags, output: undefined } : flags;
  }

  /** What flags, environment and files say; read when it is first asked for. */
  protected get settings(): Settings {
    this.#settings ??= new Settings(this.world, this.#flags);
    return this.#settings;
  }

  /** Connects at the first call; every call gives the same core. Starting one may take long, so this can be ended. */
  protected core(start = true): Promise<CoreApi> {
    this.#core ??= this.#connect(start);
    return this.#core;
  }

  async #connect(start: boolean): Promise<CoreApi> {
    const { endpoint, tls } = this.settings.core;
    const connecting = this.world.connect({ endpoint, tls, start });
    return abortable(connecting, this.interruption.signal, (core) => core.close());
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

  /** To hand to every call of the core. */
  protected get call(): CallOptions {
    return { signal: this.interruption.signal };
  }

  protected get namespace(): string {
    return this.settings.namespace;
  }

  protected ref(name: string): SandboxRef {
    assertName(name, 'sandbox name');
    return { namespace: this.namespace, name };
  }

  protected get format(): OutputFormat {
    return this.#flags.json ? 'json' : (this.#flags.output ?? this.settings.output);
  }

  /** The user chose a format; -q is one. */
  protected get formatGiven(): boolean {
    return this.#flags.json === true || this.#flags.output !== undefined || this.quiet;
  }

  protected get quiet(): boolean {
    return this.#flags.quiet === true;
  }

  protected get colors(): boolean {
    const { env, terminal } = this.world;
    if (this.#flags['no-color'] || env.NO_COLOR || env.TERM === 'dumb') return false;
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

  protected get failureContext(): FailureContext {
    return {
      json: wantsJson(this.argv) || this.#jsonByDefault,
      debug: this.world.env.FSB_DEBUG === '1',
      command: `${this.config.bin} ${(this.id ?? '').replaceAll(':', ' ')}`,
      flagNames: Object.keys({ ...this.ctor.baseFlags, ...this.ctor.flags }),
    };
  }

  /** A program that has JSON configured reads failures as such, too; a configuration that cannot be read is one of them. */
  get #jsonByDefault(): boolean {
    try {
      return this.#flags.output === undefined && this.settings.output === 'json';
    } catch {
      return false;
    }
  }

  /** Reports a failure that does not end the command; its exit code is kept if it is the worst so far. */
  protected async report(error: unknown): Promise<void> {
    const { text, exitCode } = describeFailure(error, this.failureContext);
    this.#failureCode = Math.max(this.#failureCode, exitCode);
    await tryWrite(this.world.terminal.stderr, text);
  }

  protected override async catch(error: Error): Promise<void> {
    const { signal } = this.interruption;
    // A core may answer an aborted call in its own words; what ended it is known better here.
    const cancelled =
      error.name === 'AbortError' || (error instanceof FsbError && error.code === 'cancelled');
    await this.report(signal.aborted && cancelled ? signal.reason : error);
  }

  protected override async finally(): Promise<void> {
    this.interruption.close();
    const core = await this.#core?.catch(() => undefined);
    await core?.close();
  }
}
