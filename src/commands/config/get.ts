import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { settingListing, settingsListing, settingView } from '../../cli/config/config-view.ts';
import { CONFIG_KEYS, configKey } from '../../cli/config/schema.ts';

export default class ConfigGet extends BaseCommand {
  static override summary = 'Show what a setting is, or all of them.';
  static override description =
    'Shows what is in effect here and now: from flags and environment, the .fsb/config.json of the project, that of the user, the context, or the default. Empty: nobody says it. docs/configuration.md has the rules.';
  static override examples = [
    { description: 'One, for a script', command: '<%= config.bin %> config get namespace' },
    {
      description: 'And where it comes from',
      command: '<%= config.bin %> config get endpoint --show-origin',
    },
  ];
  static override args = {
    key: Args.string({ ignoreStdin: true, description: `One of ${CONFIG_KEYS.join(', ')}.` }),
  };
  static override flags = {
    'show-origin': Flags.boolean({ summary: 'Say where it comes from, before the value.' }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(ConfigGet);
    const { settings } = this;
    const key = args.key === undefined ? undefined : configKey(args.key);
    if (key === undefined) await this.print(settingsListing((each) => settings.get(each)));
    else await this.print(settingListing(settingView(key, settings.get(key)), flags['show-origin']));
  }
}
