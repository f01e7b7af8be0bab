import { graceFlag, namesArg, stopSignalFlag } from '../cli/command/flags.ts';
import { NamesCommand } from '../cli/command/names-command.ts';

export default class Restart extends NamesCommand {
  static override summary = 'Stop sandboxes and start them again, with their files.';
  static override description =
    `As docker does: what was written in them stays, and their logs go on. "reset" is what begins anew from the image. Ended ones are started. Does it to all of them side by side, prints the name of each that is done, in the order given, reports every failure and exits by the worst.`;
  static override usage = 'restart [FLAGS] NAME...';
  static override examples = [
    { description: 'One', command: '<%= config.bin %> restart box' },
    {
      description: 'Kill what has not ended after two seconds',
      command: '<%= config.bin %> restart --grace 2s box',
    },
  ];
  static override args = { name: namesArg };
  static override flags = {
    grace: graceFlag,
    signal: stopSignalFlag,
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Restart);
    await this.forEnding(args.name, flags.grace, (core, ref) =>
      core.sandboxes.restart(ref, { grace: flags.grace, stopSignal: flags.signal, ...this.call }),
    );
  }
}
