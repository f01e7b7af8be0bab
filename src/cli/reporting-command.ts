import { FsbError } from '../core/model/errors.ts';
import { ConnectedCommand } from './connected-command.ts';
import { describeFailure, type FailureContext } from './failure.ts';
import { tryWrite } from './streams.ts';
import { wantsJson } from './wants-json.ts';

/** One place that turns whatever was thrown into a text and an exit code. */
export abstract class ReportingCommand extends ConnectedCommand {
  #failureCode = 0;

  /** The exit code, when it is not 0. */
  abstract override run(): Promise<number | undefined>;

  /** Runs it to its end; never rejects. */
  async execute(): Promise<number> {
    const code = (await this._run()) as number | undefined;
    return this.#failureCode || (code ?? 0);
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
      return this.globals.output === undefined && this.settings.output === 'json';
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
}
