import { graceFlag, namesArg, stopSignalFlag } from '../cli/command/flags.ts';
import { NamesCommand } from '../cli/command/names-command.ts';

export default class Stop extends NamesCommand {
  static override summary = 'End the commands of sandboxes and keep the sandboxes.';
  static override description =
    `Sends the stop signal of the image (SIGTERM), waits for the grace period, kills what is left. The record, the log and the files stay; "start" goes on from them. One that has ended already is fine. Does it to all of them side by side, prints the name of each that is done, in the order given, reports every failure and exits by the worst.`;
  static override usage = 'stop [FLAGS] NAME...';
  static override examples = [
    { description: 'Two of them', command: '<%= config.bin %> stop box job' },
    { description: 'With less patience', command: '<%= config.bin %> stop -t 2 box' },
  ];
  static override args = { name: namesArg };
  static override flags = {
    grace: graceFlag,
    signal: stopSignalFlag,
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Stop);
    await this.forEnding(args.name, flags.grace, (core, ref) =>
      core.sandboxes.stop(ref, { grace: flags.grace, stopSignal: flags.signal, ...this.call }),
    );
  }
}
