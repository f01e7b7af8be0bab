import { namesArg, signalFlag } from '../cli/flags.ts';
import { NamesCommand } from '../cli/names-command.ts';
import { parseSignal } from '../core/model/process.ts';

export default class Kill extends NamesCommand {
  static override summary = 'Send a signal to the commands of sandboxes.';
  static override description =
    `SIGKILL if no other is named. Does not wait for what comes of it. Does it to all of them side by side, prints the name of each that is done, in the order given, reports every failure and exits by the worst.`;
  static override usage = 'kill [FLAGS] NAME...';
  static override examples = [
    { description: 'End it at once', command: '<%= config.bin %> kill box' },
    { description: 'Have it read its configuration again', command: '<%= config.bin %> kill -s HUP box' },
  ];
  static override args = { name: namesArg };
  static override flags = {
    signal: signalFlag({ summary: 'Name or number (TERM, SIGTERM, 15). Default: KILL.' }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Kill);
    const signal = flags.signal ?? parseSignal('KILL');
    await this.forNames(args.name, (core, ref) => core.sandboxes.signal(ref, signal, this.call));
  }
}
