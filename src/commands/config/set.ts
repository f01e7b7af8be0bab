import { Args } from '@oclif/core';
import { ConfigCommand } from '../../cli/command/config-command.ts';
import { setEntry } from '../../cli/config/change.ts';
import { setListing } from '../../cli/config/config-view.ts';
import { projectFlag } from '../../cli/config/flags.ts';
import { CONFIG_KEYS, configKey } from '../../cli/config/schema.ts';

export default class ConfigSet extends ConfigCommand {
  static override summary = 'Set a default of yours, or of a project.';
  static override description =
    "Writes ~/.fsb/config.json, which only you can read. With --project the project's file, for all who work in it: endpoint and editor cannot stand there, and a context only by the name of one of yours. Prints KEY=VALUE.";
  static override examples = [
    { description: 'Another format by default', command: '<%= config.bin %> config set output wide' },
    {
      description: 'A namespace for a project',
      command: '<%= config.bin %> config set --project namespace shop',
    },
  ];
  static override args = {
    key: Args.string({
      required: true,
      ignoreStdin: true,
      description: `One of ${CONFIG_KEYS.join(', ')}.`,
    }),
    value: Args.string({ required: true, ignoreStdin: true, description: 'Its new value.' }),
  };
  static override flags = { project: projectFlag };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(ConfigSet);
    const scope = flags.project ? 'project' : 'user';
    const key = configKey(args.key);
    const name = await setEntry(key, args.value, scope, this.world, this.interruption.signal);
    await this.print(setListing(key, args.value, { source: scope, name }));
  }
}
