import { Flags } from '@oclif/core';
import { rootFlag } from '../../cli/command/flags.ts';
import { LocalCommand } from '../../cli/local/daemon/local-command.ts';
import { parseTail } from '../../cli/logs/time-query.ts';

export default class DaemonLogs extends LocalCommand {
  static override summary = "Show the local core's own log.";
  static override description =
    'On a terminal a line says when, how grave, what, and about what. Elsewhere, and with -o json, the lines of JSON that the core writes; they have more (its pid, the stack of a failure). FSB_LOG_LEVEL=debug at its start makes it talkative. Works when no core runs. --follow goes on until ctrl-C, over restarts of the core.';
  static override examples = [
    { description: 'The end of it', command: '<%= config.bin %> daemon logs -n 20' },
    { description: 'As it is written', command: '<%= config.bin %> daemon logs -f' },
  ];
  static override flags = {
    follow: Flags.boolean({ char: 'f', summary: 'Go on with what is written from now on.' }),
    tail: Flags.string({
      char: 'n',
      summary: 'Only the last so many lines, or all. Default: all.',
      helpValue: 'LINES',
    }),
    // -n is the tail, as in logs.
    namespace: Flags.string({ hidden: true }),
    root: rootFlag,
  };

  async run(): Promise<undefined> {
    const { flags } = await this.parse(DaemonLogs);
    const tail = flags.tail === undefined ? undefined : parseTail(flags.tail);
    const { paths } = await this.local(flags.root);
    const { readLogFile } = await import('../../cli/local/log/log-file.ts');
    const query = { tail, follow: flags.follow === true, signal: this.interruption.signal };
    const log = readLogFile(paths.log, query);
    const { readableLines } = await import('../../cli/local/log/log-lines.ts');
    for await (const part of this.#forPeople ? readableLines(log) : log) await this.out(part);
  }

  get #forPeople(): boolean {
    return (
      !this.forPrograms && (this.world.terminal.stdout.isTTY === true || this.globals.output !== undefined)
    );
  }
}
