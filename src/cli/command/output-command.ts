import { Command, type Config, type Interfaces } from '@oclif/core';
import { Settings } from '../config/settings.ts';
import {
  type DockerNames,
  forPrograms,
  type Listing,
  type OutputFormat,
  type RenderOptions,
  render,
  renderEach,
} from '../output/output.ts';
import { tryWrite, write } from '../terminal/streams.ts';
import { canRedraw, type World } from '../terminal/world.ts';
import type { FlagArities } from '../words/pass-through.ts';
import { globalFlags, type globalFlagsWithoutFormat } from './global-flags.ts';
import { onSameCore, type Typed, typedIn } from './same-core.ts';

// The bounds of oclif's own parse(), which it does not export.
// biome-ignore lint/suspicious/noExplicitAny: as there
export type FlagValues = Record<string, any>;
export type ArgValues = FlagValues;
type GlobalFlags = Interfaces.InferredFlags<typeof globalFlags>;
/** All of them, but for a command that has no result of which the format could be chosen. */
type BaseFlags = typeof globalFlagsWithoutFormat & Partial<typeof globalFlags>;

/** Milliseconds after which a person wants to know why nothing happens. */
const LONG = 1_000;

/** How a command says things: the result on stdout in the format that was asked for, everything else on stderr. */
export abstract class OutputCommand extends Command {
  static override baseFlags: BaseFlags = globalFlags;

  protected readonly world: World;
  protected globals: Partial<GlobalFlags> = {};
  #settings: Settings | undefined;

  constructor(argv: string[], config: Config, world: World) {
    super(argv, config);
    this.world = world;
    // Words that do not parse are the user's slip; oclif would warn that the command forgot to look at them.
    this.parsed = true;
  }

  protected override async parse<F extends FlagValues, B extends FlagValues, A extends ArgValues>(
    options?: Interfaces.Input<F, B, A>,
    argv?: string[],
  ): Promise<Interfaces.ParserOutput<F, B, A>> {
    const parsed = await super.parse<F, B, A>(options, argv);
    this.globals = this.#globalsOf(parsed.flags);
    return parsed;
  }

  /** A command that has a flag of its own by such a name means something else by it: `image save -o FILE`. */
  #globalsOf({ output, ...flags }: FlagValues): Partial<GlobalFlags> {
    const own = this.ctor.flags ?? {};
    return { ...flags, output: Object.hasOwn(own, 'output') ? undefined : (output ?? flags.format) };
  }

  /** What flags, environment and files say; read when it is first asked for. */
  protected get settings(): Settings {
    this.#settings ??= new Settings(this.world, { ...this.globals, output: this.globals.output?.format });
    return this.#settings;
  }

  /** What is configured of how a result looks. */
  protected get appearance(): Pick<Settings, 'output' | 'color'> {
    return this.settings;
  }

  protected get format(): OutputFormat {
    const { json, output } = this.globals;
    if (json) return 'json';
    // -q on the command line wins over a format that is only configured.
    return output?.format ?? (this.quiet ? 'table' : this.appearance.output);
  }

  /** The user chose a format; -q is one. */
  protected get formatGiven(): boolean {
    return this.globals.json === true || this.globals.output !== undefined || this.quiet;
  }

  protected get quiet(): boolean {
    return this.globals.quiet === true;
  }

  /** Nobody wants colours, or the terminal knows none. */
  protected get plain(): boolean {
    const { NO_COLOR, TERM } = this.world.env;
    return (
      Boolean(this.globals['no-color'] || NO_COLOR) || TERM === 'dumb' || this.appearance.color === 'never'
    );
  }

  /** Nothing is cut: ids and digests are whole, and tables as wide as they are. */
  protected get untruncated(): boolean {
    return this.globals['no-trunc'] === true;
  }

  protected get colors(): boolean {
    return !this.plain && (this.appearance.color === 'always' || this.world.terminal.stdout.isTTY === true);
  }

  /** The result is data for a program, one document: nothing else may go to stdout. */
  protected get forPrograms(): boolean {
    return forPrograms(this.format);
  }

  /** The result, in the format that was asked for, on stdout. */
  protected async print<T>(listing: Listing<T>): Promise<void> {
    await this.out(await this.rendered(listing));
  }

  /** What print() prints. */
  protected rendered<T>(listing: Listing<T>): Promise<string> {
    return render(listing, this.#renderOptions);
  }

  /** The result can be drawn anew over itself. */
  protected get redraws(): boolean {
    const { terminal, env } = this.world;
    return !this.quiet && !this.forPrograms && this.format !== 'name' && canRedraw(terminal.stdout, env);
  }

  /** One of many that come one by one; `text` is its line for people. */
  protected async printEach<T>(view: T, text: string, docker?: DockerNames<T>): Promise<void> {
    await this.out(await renderEach(view, text, this.#renderOptions, docker));
  }

  get #renderOptions(): RenderOptions {
    const { stdout } = this.world.terminal;
    return {
      ...{ format: this.format, quiet: this.quiet, colors: this.colors },
      width: stdout.isTTY && !this.untruncated ? stdout.columns || undefined : undefined,
      expression: this.globals.output?.expression,
    };
  }

  /** To stdout as it is. @param signal ends the wait for a slow reader */
  protected async out(data: string | Uint8Array, signal?: AbortSignal): Promise<void> {
    if (data.length > 0) await write(this.world.terminal.stdout, data, signal);
  }

  /** Nobody wants to read how things go: -q, and formats for programs. */
  protected get silent(): boolean {
    return this.quiet || this.forPrograms;
  }

  /** Of all its flags, also where its words could not be parsed. */
  protected get arities(): FlagArities {
    return { ...this.ctor.baseFlags, ...this.ctor.flags } as FlagArities;
  }

  /** Which core and namespace the line names. */
  protected get typed(): Typed {
    return typedIn(this.argv, this.arities, this.world.cwd);
  }

  /** A line for people, on stderr; silent with -q and in machine formats, and when there is nothing to say. */
  protected async say(text: string | undefined): Promise<void> {
    if (text === undefined || this.silent) return;
    await tryWrite(this.world.terminal.stderr, `${onSameCore(text, this.typed)}\n`);
  }

  /** Tells a person at a terminal what the command waits for, when that takes long. @param logged also where there is none */
  protected async patiently<T>(work: Promise<T>, text: string, logged = false): Promise<T> {
    const { clock, terminal } = this.world;
    if (!terminal.stderr.isTTY && !logged) return work;
    const cancel = clock.after(LONG, () => void this.say(text));
    return work.finally(cancel);
  }

  /** What even a quiet command must say beside its output, on stderr: an object for programs, a line for people. */
  protected async tell(data: Record<string, string>, text: string): Promise<void> {
    const line = this.format === 'json' || this.format === 'yaml' ? JSON.stringify(data) : text;
    await tryWrite(this.world.terminal.stderr, `${line}\n`);
  }
}
