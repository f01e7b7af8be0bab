import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { unsetEntry } from '../../cli/config/change.ts';
import { projectFlag } from '../../cli/config/flags.ts';

export default class ConfigUnset extends BaseCommand {
  static override summary = 'Remove a default of yours, or of a project.';
  static override description =
    'Takes the key out of ~/.fsb/config.json, or with --project out of the file of the project; also one that should not be there. No such key: exit code 0.';
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
    await unsetEntry(args.key, scope, this.world, this.interruption.signal);
  }
}
