import { BaseCommand } from '../cli/command/base-command.ts';
import { namesArg } from '../cli/command/flags.ts';
import { sandboxDetails } from '../cli/output/sandbox-details-view.ts';
import type { Sandbox } from '../core/model/sandbox/sandbox.ts';

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
    const found = await this.find(args.name);
    if (found.length > 0 || (several && this.forPrograms))
      await this.print(sandboxDetails(found, this.world.clock.now(), several));
  }

  /** Those that are there; the others are reported. */
  protected async find(names: string[]): Promise<Sandbox[]> {
    const refs = [...new Set(names)].map((name) => this.ref(name));
    const core = await this.core();
    return this.forAll(refs, (ref) => core.sandboxes.get(ref, this.call));
  }
}
