import { BaseCommand } from '../cli/command/base-command.ts';
import { namesArg } from '../cli/command/flags.ts';
import { sandboxDetails } from '../cli/output/listings/sandbox-details-view.ts';

export default class Get extends BaseCommand {
  static override summary = 'Show everything about sandboxes.';
  static override description =
    'Its phase and why it is in it, its exit code, spec, node, endpoints, times and last events. As JSON one name gives an object, several give an array. Shows those that are there and reports the others; exits by the worst failure.';
  static override usage = 'get [FLAGS] NAME...';
  static override examples = [
    { description: 'For reading', command: '<%= config.bin %> get box' },
    { description: 'For scripts', command: '<%= config.bin %> get box -o json' },
    { description: 'Several', command: '<%= config.bin %> get box job' },
  ];
  static override args = { name: namesArg };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(Get);
    const several = args.name.length > 1;
    const refs = [...new Set(args.name)].map((name) => this.ref(name));
    const core = await this.core();
    const found = await this.forAll(refs, (ref) => core.sandboxes.get(ref, this.call));
    if (found.length > 0 || (several && this.forPrograms))
      await this.print(sandboxDetails(found, this.world.clock.now(), several));
  }
}
