import { Args } from '@oclif/core';
import { ConfigCommand } from '../../cli/command/config-command.ts';
import { unsetEntry } from '../../cli/config/change.ts';
import { unsetListing } from '../../cli/config/config-view.ts';
import { projectFlag } from '../../cli/config/flags.ts';

export default class ConfigUnset extends ConfigCommand {
  static override summary = 'Remove a default of yours, or of a project.';
  static override description =
    'Takes the key out of ~/.fsb/config.json, or with --project out of the file of the project; also one that should not be there. Prints the key; nothing where it was not there, which is no failure.';
  static override examples = [
    '<%= config.bin %> config unset output',
    '<%= config.bin %> config unset --project namespace',
  ];
  static override args = {
    key: Args.string({ required: true, ignoreStdin: true, description: 'The key.' }),
  };
  static override flags = { project: projectFlag };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(ConfigUnset);
    const scope = flags.project ? 'project' : 'user';
    const removed = await unsetEntry(args.key, scope, this.world, this.interruption.signal);
    if (removed || this.forPrograms) await this.print(unsetListing({ key: args.key, removed }));
  }
}
