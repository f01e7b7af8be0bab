import { BaseCommand } from '../cli/command/base-command.ts';
import { globalFlagsWithF } from '../cli/command/global-flags.ts';
import { askCore, clientView, infoListing } from '../cli/info/info-view.ts';
import { localCore } from '../cli/local/daemon/find.ts';

export default class Info extends BaseCommand {
  static override baseFlags = globalFlagsWithF;
  static override summary = 'Show everything about the core, and which one it is.';
  static override description =
    'The command line with its context and endpoint, and the core: versions, runtime, root, and how many sandboxes, pools and images it has. A core that cannot be reached is an error, after what is known without it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> -o json',
  ];

  override async run(): Promise<undefined> {
    await this.parse(Info);
    const { grpcSocket } = localCore(this.world, this.config.root).paths;
    const client = clientView({
      version: this.world.version,
      nodeVersion: process.version.slice(1),
      choice: this.settings.core,
      local: `unix://${grpcSocket}`,
    });
    const now = this.world.clock.now();
    const asked = this.core().then((core) => askCore(core, this.call));
    const core = await asked.catch(async (error: unknown) => {
      await this.print(infoListing({ client, core: null }, now));
      throw error;
    });
    await this.print(infoListing({ client, core }, now));
  }
}
