import { namesArg } from '../cli/command/flags.ts';
import { NamesCommand } from '../cli/command/names-command.ts';

export default class Pause extends NamesCommand {
  static override summary = 'Freeze every process in sandboxes.';
  static override description =
    `They keep their memory and use no processor until "unpause". A paused sandbox still expires, and can be stopped and deleted. A core that starts lets it go on for a moment, to ask what is in it, and freezes it again. Does it to all of them side by side, prints the name of each that is done, in the order given, reports every failure and exits by the worst.`;
  static override usage = 'pause [FLAGS] NAME...';
  static override examples = [
    { description: 'One', command: '<%= config.bin %> pause box' },
    { description: 'Two of them', command: '<%= config.bin %> pause box job' },
  ];
  static override args = { name: namesArg };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(Pause);
    await this.forNames(args.name, (core, ref) => core.sandboxes.pause(ref, this.call));
  }
}
