import { BaseCommand } from '../../cli/command/base-command.ts';
import { DEFAULT_CONTEXT } from '../../cli/config/context.ts';
import { contextArg, contextFlags, contextFrom } from '../../cli/config/context-flags.ts';
import { contextName } from '../../cli/config/context-view.ts';
import { FsbError } from '../../core/model/failure/errors.ts';

export default class ContextUpdate extends BaseCommand {
  static override summary = 'Change a context.';
  static override description = 'What no flag names stays. An empty value takes it away.';
  static override examples = [
    {
      description: 'Another description',
      command: '<%= config.bin %> context update build --description "Nightly builds"',
    },
    { description: 'No namespace any more', command: '<%= config.bin %> context update build -n ""' },
  ];
  static override args = { name: contextArg };
  static override flags = contextFlags;

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(ContextUpdate);
    const { contexts } = this.settings;
    if (args.name === DEFAULT_CONTEXT)
      throw new FsbError('invalid_argument', 'the context default cannot be changed: it is the local core', {
        hint: 'Make one of your own with: fsb-ctl context create NAME --host ENDPOINT',
      });
    await contexts.put(args.name, contextFrom(flags, contexts.get(args.name), this.world.cwd));
    await this.print(contextName(args.name));
  }
}
