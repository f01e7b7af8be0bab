import { namesArg } from '../cli/command/flags.ts';
import { NamesCommand } from '../cli/command/names-command.ts';
import { changeFlags, changeOf } from '../cli/spec/change-flags.ts';

export default class Update extends NamesCommand {
  static override summary = 'Change sandboxes.';
  static override description =
    `Changes what the flags name, and nothing else: of each sandbox all of it or, when something is wrong, nothing. New limits hold for a running one at once, for an ended one from its next start on. Does it to all of them side by side, prints the name of each that is done, in the order given, reports every failure and exits by the worst.`;
  static override usage = 'update [FLAGS] NAME...';
  static override examples = [
    { description: 'An hour more, from now on', command: '<%= config.bin %> update box --ttl 1h' },
    {
      description: 'Another label instead of one, and more memory',
      command: '<%= config.bin %> update box --label team=blue --label owner- --memory 1g',
    },
    { description: 'Two that never expire', command: '<%= config.bin %> update --ttl none box job' },
  ];
  static override args = { name: namesArg };
  static override flags = changeFlags;

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Update);
    const change = changeOf(flags);
    await this.forNames(args.name, (core, ref) => core.sandboxes.update(ref, change, this.call));
  }
}
