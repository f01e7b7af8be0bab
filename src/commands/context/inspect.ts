import { Args } from '@oclif/core';
import { InspectCommand } from '../../cli/command/inspect-command.ts';
import { contextDetails, contextView } from '../../cli/config/context-view.ts';
import { currentContext } from '../../cli/config/current-context.ts';
import { localCore } from '../../cli/local/daemon/find.ts';

export default class ContextInspect extends InspectCommand {
  static override summary = 'Show contexts as JSON.';
  static override description =
    'As docker has it: an array, of one, too; "context show" is for reading. Without a name the current one. Shows those that are there and reports the others; exits by the worst failure.';
  static override examples = [
    { description: 'The current one', command: '<%= config.bin %> context inspect' },
    {
      description: 'Where one is',
      command: "<%= config.bin %> context inspect -f '{{.endpoint}}' default",
    },
  ];
  static override args = {
    name: Args.string({
      multiple: true,
      ignoreStdin: true,
      description: 'Names of the contexts. Default: the current one.',
    }),
  };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(ContextInspect);
    const { choice, contexts } = this.settings;
    const { grpcSocket } = localCore(this.world, this.config.root).paths;
    const options = {
      current: choice.kind === 'context' ? choice.value : undefined,
      local: `unix://${grpcSocket}`,
    };
    const names = args.name ?? [currentContext(choice)];
    const found = await this.forAll([...new Set(names)], async (name) =>
      contextView(name, contexts, options),
    );
    if (found.length > 0 || this.forPrograms) await this.print(contextDetails(found));
  }
}
