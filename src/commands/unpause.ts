import { namesArg } from '../cli/command/flags.ts';
import { NamesCommand } from '../cli/command/names-command.ts';

export default class Unpause extends NamesCommand {
  static override summary = 'Let paused sandboxes go on.';
  static override description =
    `Ends what "pause" began. Does it to all of them side by side, prints the name of each that is done, in the order given, reports every failure and exits by the worst.`;
  static override usage = 'unpause [FLAGS] NAME...';
  static override examples = [
    { description: 'One', command: '<%= config.bin %> unpause box' },
    { description: 'Two of them', command: '<%= config.bin %> unpause box job' },
  ];
  static override args = { name: namesArg };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(Unpause);
    await this.forNames(args.name, (core, ref) => core.sandboxes.unpause(ref, this.call));
  }
}
