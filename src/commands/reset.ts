import { graceFlag, namesArg } from '../cli/command/flags.ts';
import { NamesCommand } from '../cli/command/names-command.ts';

export default class Reset extends NamesCommand {
  static override summary = 'Begin sandboxes anew from their image; their files are thrown away.';
  static override description =
    `"restart" is what keeps the files. Ends what runs, throws away what was written and logged, and starts a new generation of the same spec under a new id; name, labels and time of creation stay. Does it to all of them side by side, prints the name of each that is done, in the order given, reports every failure and exits by the worst.`;
  static override usage = 'reset [FLAGS] NAME...';
  static override examples = [
    { description: 'One', command: '<%= config.bin %> reset box' },
    { description: 'At once, and another one with it', command: '<%= config.bin %> reset -t 0 box job' },
  ];
  static override args = { name: namesArg };
  static override flags = {
    grace: graceFlag,
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Reset);
    await this.forEnding(args.name, flags.grace, (core, ref) =>
      core.sandboxes.reset(ref, { grace: flags.grace, ...this.call }),
    );
  }
}
