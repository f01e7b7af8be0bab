import { rootFlag } from '../../cli/command/flags.ts';
import { daemonListing } from '../../cli/local/daemon/daemon-view.ts';
import { LocalCommand } from '../../cli/local/daemon/local-command.ts';

export default class DaemonStatus extends LocalCommand {
  static override summary = 'Show whether the local core runs, and where it listens.';
  static override description =
    "Never starts a core. Exit code 0 whether it runs or not: a script asks with --format '{{.running}}', which prints true or false.";
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> -o json',
  ];
  static override flags = {
    root: rootFlag,
  };

  async run(): Promise<undefined> {
    const { flags } = await this.parse(DaemonStatus);
    const local = await this.local(flags.root);
    const { runningCore, unreachableText } = await import('../../cli/local/daemon/running-core.ts');
    const running = await runningCore(local);
    await this.say(running?.unreachable && unreachableText(running));
    await this.print(daemonListing(running, local.paths));
    return undefined;
  }
}
