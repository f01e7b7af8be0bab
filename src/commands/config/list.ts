import { BaseCommand } from '../../cli/command/base-command.ts';
import { settingsListing } from '../../cli/config/config-view.ts';

export default class ConfigList extends BaseCommand {
  static override summary = 'List all settings, and where each comes from.';
  static override description =
    'What is in effect here and now, with its origin: a flag, a variable, a file, a context, or the default.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> -o json',
  ];

  override async run(): Promise<undefined> {
    await this.parse(ConfigList);
    const { settings } = this;
    await this.print(settingsListing((key) => settings.get(key)));
  }
}
