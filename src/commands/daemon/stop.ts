import { rootFlag } from '../../cli/command/flags.ts';
import { LocalCommand } from '../../cli/local/daemon/local-command.ts';
import { abortable } from '../../core/model/async/abortable.ts';

export default class DaemonStop extends LocalCommand {
  static override summary = 'Stop the local core.';
  static override description =
    'Ends the core in order and removes its warm instances. Sandboxes that run keep running, and the next core takes ' +
    'them up again; sessions of "exec" and "attach" are cut, say so, and end with 125. No core: says so, exit code 0.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --root /tmp/other',
  ];
  static override flags = {
    root: rootFlag,
  };

  async run(): Promise<undefined> {
    const { flags } = await this.parse(DaemonStop);
    const local = await this.local(flags.root);
    const { stopCore } = await import('../../cli/local/daemon/local-core.ts');
    const stopped = await abortable(stopCore(local), this.interruption.signal);
    await this.say(stopped ? 'The core has stopped.' : 'No core is running.');
    return undefined;
  }
}
