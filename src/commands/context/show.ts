import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { globalFlagsWithF } from '../../cli/command/global-flags.ts';
import { contextDetails, contextView } from '../../cli/config/context-view.ts';
import { currentContext } from '../../cli/config/current-context.ts';
import { localCore } from '../../cli/local/daemon/find.ts';

export default class ContextShow extends BaseCommand {
  static override baseFlags = globalFlagsWithF;
  static override summary = 'Show a context.';
  static override description = 'Without a name the current one. With -q its name alone.';
  static override examples = [
    { description: 'The current one', command: '<%= config.bin %> context show' },
    { description: 'Another one, for a program', command: '<%= config.bin %> context show default -o json' },
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, description: 'Name of the context. Default: the current one.' }),
  };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(ContextShow);
    const { choice, contexts } = this.settings;
    const current = choice.kind === 'context' ? choice.value : undefined;
    const name = args.name ?? currentContext(choice);
    const { grpcSocket } = localCore(this.world, this.config.root).paths;
    const view = contextView(name, contexts, { current, local: `unix://${grpcSocket}` });
    await this.print(contextDetails([view], true));
  }
}
