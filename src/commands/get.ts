import { BaseCommand } from '../cli/base-command.ts';
import { nameArg } from '../cli/flags.ts';
import { sandboxDetails } from '../cli/output/sandbox-view.ts';

export default class Get extends BaseCommand {
  static override summary = 'Show everything about one sandbox.';
  static override description =
    'Its phase and why it is in it, its exit code, spec, node, endpoints, times and last events.';
  static override examples = [
    { description: 'For reading', command: '<%= config.bin %> get box' },
    { description: 'For scripts', command: '<%= config.bin %> get box -o json' },
  ];
  static override args = { name: nameArg };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(Get);
    const ref = this.ref(args.name);
    const core = await this.core();
    await this.print(sandboxDetails(await core.sandboxes.get(ref, this.call), this.world.clock.now()));
  }
}
