import { BaseCommand } from '../../cli/command/base-command.ts';
import { useContext } from '../../cli/config/change.ts';
import { contextArg } from '../../cli/config/context-flags.ts';
import { contextName } from '../../cli/config/context-view.ts';
import { overridden } from '../../cli/config/overridden.ts';

export default class ContextUse extends BaseCommand {
  static override summary = 'Make a context the current one.';
  static override description =
    'Writes it to ~/.fsb/config.json, in place of another context or an endpoint. Warns where something else overrides it here: FSB_HOST, FSB_CONTEXT, or the file of a project.';
  static override examples = [
    { description: 'Work with another core from now on', command: '<%= config.bin %> context use build' },
    { description: 'Back to the core of this machine', command: '<%= config.bin %> context use default' },
  ];
  static override args = { name: contextArg };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(ContextUse);
    await useContext(args.name, this.world, this.interruption.signal);
    await this.print(contextName(args.name));
    await this.say(overridden(this.settings.choice));
  }
}
