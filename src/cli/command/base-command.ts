import type { Config, Interfaces } from '@oclif/core';
import type { CoreApi } from '../../core/api/core-api.ts';
import type { CallOptions } from '../../core/api/sandbox-api.ts';
import { abortable } from '../../core/model/async/abortable.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { assertName } from '../../core/model/ids.ts';
import { formatDuration } from '../../core/model/quantity.ts';
import type { SandboxRef } from '../../core/model/sandbox/sandbox.ts';
import { shellWords } from '../../core/model/shell-words.ts';
import { withOrigin } from '../config/named-by.ts';
import { insteadOfFlag, insteadOfName, insteadOfWord } from '../docker/flags.ts';
import { sideBySide } from '../output/side-by-side.ts';
import type { Asking } from '../terminal/prompts.ts';
import { tryWrite } from '../terminal/streams.ts';
import type { World } from '../terminal/world.ts';
import { firstWord } from '../words/pass-through.ts';
import { describeFailure, type FailureContext } from './failure.ts';
import { Interruption } from './interruption.ts';
import { withoutOwnName } from './other-guess.ts';
import { type ArgValues, type FlagValues, OutputCommand } from './output-command.ts';
import { onSameCore } from './same-core.ts';
import { whenSilent } from './silent-core.ts';
import { wantsJson } from './wants-json.ts';

/**
 * What every command has: one connection to the core, cancellation by signal and timeout, and one
 * place that turns whatever was thrown into a text and an exit code.
 */
export abstract class BaseCommand extends OutputCommand {
  protected readonly interruption: Interruption;
  #core: Promise<CoreApi> | undefined;
  #forget = (): void => {};
  #failureCode = 0;

  constructor(argv: string[], config: Config, world: World) {
    super(argv, config, world);
    this.interruption = new Interruption(world);
  }

  /** The exit code, when it is not 0. */
  abstract override run(): Promise<number | undefined>;

  /** Runs it to its end; never rejects. */
  async execute(): Promise<number> {
    const result = (await this._run()) as number | undefined;
    const code = this.#failureCode || (result ?? 0);
    // What the reader has not taken by now is waited for at the end, but not by whoever interrupts.
    const { stdout } = this.world.terminal;
    if (this.interruption.signal.aborted && stdout.writableLength) this.world.forceExit(code);
    return code;
  }

  protected override async parse<F extends FlagValues, B extends FlagValues, A extends ArgValues>(
    options?: Interfaces.Input<F, B, A>,
    argv?: string[],
  ): Promise<Interfaces.ParserOutput<F, B, A>> {
    const parsed = await super.parse<F, B, A>(options, argv);
    const { timeout } = this.globals;
    // A command with a --timeout of its own hands it to the core, which knows best what to do at the deadline.
    const own = Object.hasOwn(this.ctor.flags ?? {}, 'timeout');
    if (timeout && !own) this.interruption.limit(timeout, this.world.clock, formatDuration(timeout));
    return parsed;
  }

  /** Connects at the first call; every call gives the same core. Starting one may take long, so this can be ended. */
  protected core(start = true): Promise<CoreApi> {
    this.#core ??= this.#connect(start);
    return this.#core;
  }

  async #connect(start: boolean): Promise<CoreApi> {
    const { endpoint, tls } = this.settings.core;
    const { signal } = this.interruption;
    const say = (text: string): Promise<void> => this.say(text);
    const connecting = this.world.connect({ endpoint, tls, start, say }, signal);
    const core = await abortable(connecting, signal, (late) => late.close());
    const { clock, terminal } = this.world;
    const tell = (): Promise<void> => this.say('The core does not answer: see fsb-ctl doctor');
    if (terminal.stderr.isTTY) this.#forget = whenSilent(core, clock, tell);
    return core;
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

  protected override out(data: string | Uint8Array): Promise<void> {
    return super.out(data, this.interruption.signal);
  }

  /** To hand to every call of the core. */
  protected get call(): CallOptions {
    return { signal: this.interruption.signal };
  }

  /** To hand to every question. */
  protected get asking(): Asking {
    return { terminal: this.world.terminal, plain: this.plain, signal: this.interruption.signal };
  }

  protected get namespace(): string {
    return this.settings.namespace;
  }

  protected ref(name: string): SandboxRef {
    assertName(name, 'sandbox name', insteadOfName(name));
    return { namespace: this.namespace, name };
  }

  /**
   * Does it to all of them side by side, prints those that are done, in the order given, and reports every failure.
   * `act` resolves with false where there was nothing to do. People get the word that they have typed.
   * @param view for programs, which get the name that the answer has
   */
  protected async forEach<T>(
    items: T[],
    act: (item: T) => Promise<unknown>,
    view: (item: T, answer?: unknown) => { name: string },
  ): Promise<void> {
    const done: { name: string }[] = [];
    const named = new Set(items.map((item) => view(item).name));
    for await (const { item, result, error } of sideBySide(items, act)) {
      if (error) await this.report(withoutOwnName(error, named, this.id));
      if (error || result === false) continue;
      done.push(view(item, result));
      // People see each as soon as it is done.
      if (!this.forPrograms) await this.out(`${view(item).name}\n`);
    }
    if (this.forPrograms) await this.print({ items: done, columns: [], name: ({ name }) => name });
  }

  /** Asks about all of them side by side: the answers in the order given; every failure is reported. */
  protected async forAll<T, R>(items: T[], ask: (item: T) => Promise<R>): Promise<R[]> {
    const found: R[] = [];
    for await (const { result, error } of sideBySide(items, ask))
      if (error) await this.report(error);
      else found.push(result as R);
    return found;
  }

  /** What to give where a word of its line is missing, by the name of that: where there is more to say than its usage. */
  protected get toGive(): Readonly<Record<string, string>> {
    return {};
  }

  /** The first of its own words, where they could not be parsed: `box`, as a shell takes it. */
  protected firstWord(instead: string): string {
    return shellWords([firstWord(this.argv, this.arities) ?? instead]);
  }

  protected get failureContext(): FailureContext {
    const flags = this.arities;
    return {
      // A program that has JSON configured reads failures as such, too.
      json: wantsJson(this.argv, flags, () => this.settings.output === 'json'),
      debug: this.world.env.FSB_DEBUG === '1',
      command: `${this.config.bin} ${(this.id ?? '').replaceAll(':', ' ')}`,
      flagNames: Object.keys(flags),
      insteadOf: (flag) => insteadOfFlag(this.id ?? '', flag),
      insteadOfWord: (word) => insteadOfWord(this.id ?? '', word),
      toGive: this.toGive,
      onSameCore: (hint) => onSameCore(hint, this.typed),
    };
  }

  /** Reports a failure that does not end the command; its exit code is kept if it is the worst so far. */
  protected async report(error: unknown): Promise<void> {
    const failure = withOrigin(error, this.settings, this.argv);
    const { text, exitCode } = describeFailure(failure, this.failureContext);
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
    this.#forget();
    const core = await this.#core?.catch(() => undefined);
    await core?.close();
  }
}
