import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/command/base-command.ts';
import { nameArg } from '../cli/command/flags.ts';
import { globalFlags } from '../cli/command/global-flags.ts';
import { logEntryView, printLog } from '../cli/logs/log-printer.ts';
import { parseMoment, parseTail } from '../cli/logs/time-query.ts';
import { printable } from '../cli/output/output.ts';
import type { CoreApi } from '../core/api/core-api.ts';
import type { LogQuery } from '../core/model/logs.ts';
import type { SandboxRef } from '../core/model/sandbox/sandbox.ts';

export default class Logs extends BaseCommand {
  static override summary = 'Show what a sandbox wrote.';
  static override description =
    `Its standard output goes to standard output, its standard error to standard error. Works on ended sandboxes too, and on deleted ones, by the name or the id that they had, as long as the core keeps their logs (serve --log-retention); --follow ends when the sandbox has ended. With -o json every entry is one object a line; its text may hold several lines, or a part of one. Of a log that is longer than the core keeps (serve --log-size) the oldest part has gone.

Times are durations before now (10m), RFC3339 (2026-01-31T10:00:00Z) or unix seconds.`;
  static override examples = [
    { description: 'Everything, and what is still to come', command: '<%= config.bin %> logs -f box' },
    { description: 'The last 20 lines with their times', command: '<%= config.bin %> logs -n 20 -t box' },
    {
      description: 'The errors of the last ten minutes',
      command: '<%= config.bin %> logs --stderr --since 10m box',
    },
  ];
  static override args = { name: nameArg };
  static override flags = {
    // -n is the tail here, as in docker; the namespace keeps its long name.
    namespace: Flags.string({
      summary: globalFlags.namespace.summary,
      helpValue: 'NAMESPACE',
      helpGroup: 'GLOBAL',
    }),
    follow: Flags.boolean({ char: 'f', summary: 'Stay until the sandbox has ended.' }),
    tail: Flags.string({
      char: 'n',
      summary: 'Only the last so many lines, or all. Default: all.',
      helpValue: 'LINES',
    }),
    since: Flags.string({ summary: 'Only from this time on.', helpValue: 'TIME' }),
    until: Flags.string({ summary: 'Only before this time.', helpValue: 'TIME' }),
    timestamps: Flags.boolean({ char: 't', summary: 'The time before each line.' }),
    stdout: Flags.boolean({ summary: 'Only standard output.' }),
    stderr: Flags.boolean({ summary: 'Only standard error.' }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Logs);
    const ref = this.ref(args.name);
    const now = this.world.clock.now();
    const moment = (text: string | undefined, flag: string): number | undefined =>
      text === undefined ? undefined : parseMoment(text, now, flag);
    const query: LogQuery = {
      follow: flags.follow,
      tail: flags.tail === undefined ? undefined : parseTail(flags.tail),
      since: moment(flags.since, 'since'),
      until: moment(flags.until, 'until'),
      stdout: flags.stdout || !flags.stderr,
      stderr: flags.stderr || !flags.stdout,
    };
    const core = await this.core();
    const entries = core.sandboxes.logs(ref, query, this.call);
    const { terminal } = this.world;
    if (this.forPrograms) for await (const entry of entries) await this.printEach(logEntryView(entry), '');
    else if (await printLog(entries, flags.timestamps, terminal, this.interruption.signal)) return;
    // Elsewhere that would be taken for what it wrote to its standard error.
    else if (terminal.stderr.isTTY) await this.#sayWhyNothing(core, ref);
  }

  async #sayWhyNothing(core: CoreApi, ref: SandboxRef): Promise<void> {
    const sandbox = await core.sandboxes.get(ref, this.call).catch(() => undefined);
    if (sandbox?.state.phase !== 'Failed') return;
    await this.say(`${sandbox.name} has written nothing. It failed: ${printable(sandbox.state.reason)}`);
  }
}
