import { BaseCommand } from '../../cli/command/base-command.ts';
import { contextListing } from '../../cli/config/context-view.ts';
import { overridden } from '../../cli/config/overridden.ts';
import { localCore } from '../../cli/local/daemon/find.ts';

export default class ContextList extends BaseCommand {
  static override summary = 'List contexts: cores by name.';
  static override description =
    'The current one is marked with *. The context default is the core of this machine; it is always there.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> -q',
  ];

  override async run(): Promise<undefined> {
    await this.parse(ContextList);
    const { choice, contexts } = this.settings;
    const { grpcSocket } = localCore(this.world, this.config.root).paths;
    const current = choice.kind === 'context' ? choice.value : undefined;
    await this.print(contextListing(contexts, { current, local: `unix://${grpcSocket}` }));
    await this.say(overridden(choice));
    if (current !== undefined && !contexts.has(current))
      await this.say(`Warning: the current context ${current} does not exist.`);
  }
}
