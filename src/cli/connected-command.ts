import { Command, type Config, type Interfaces } from '@oclif/core';
import type { CoreApi } from '../core/api/core-api.ts';
import type { CallOptions } from '../core/api/sandbox-api.ts';
import { abortable } from '../core/model/abortable.ts';
import { assertName } from '../core/model/ids.ts';
import { formatDuration } from '../core/model/quantity.ts';
import type { SandboxRef } from '../core/model/sandbox.ts';
import { Settings } from './config/settings.ts';
import { globalFlags } from './flags.ts';
import { Interruption } from './interruption.ts';
import type { World } from './world.ts';

// The bounds of oclif's own parse(), which it does not export.
// biome-ignore lint/suspicious/noExplicitAny: as there
type FlagValues = Record<string, any>;
type ArgValues = FlagValues;
type GlobalFlags = Interfaces.InferredFlags<typeof globalFlags>;

/** The global flags, the settings, one connection to the core, and cancellation by signal and timeout. */
export abstract class ConnectedCommand extends Command {
  static override baseFlags = globalFlags;

  protected readonly world: World;
  protected readonly interruption: Interruption;
  /** As they were typed; empty until they are parsed. */
  protected globals: Partial<GlobalFlags> = {};
  #settings: Settings | undefined;
  #core: Promise<CoreApi> | undefined;

  constructor(argv: string[], config: Config, world: World) {
    super(argv, config);
    this.world = world;
    this.interruption = new Interruption(world);
  }

  protected override async parse<F extends FlagValues, B extends FlagValues, A extends ArgValues>(
    options?: Interfaces.Input<F, B, A>,
    argv?: string[],
  ): Promise<Interfaces.ParserOutput<F, B, A>> {
    // Flags that do not parse are the user's slip; oclif would warn that the command forgot to look at them.
    this.parsed = true;
    const parsed = await super.parse<F, B, A>(options, argv);
    this.globals = this.#globalsOf(parsed.flags);
    const { timeout } = this.globals;
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
    this.#settings ??= new Settings(this.world, this.globals);
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

  protected override async finally(): Promise<void> {
    this.interruption.close();
    const core = await this.#core?.catch(() => undefined);
    await core?.close();
  }
}
