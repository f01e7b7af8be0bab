import { poolsArg } from '../../cli/command/flags.ts';
import { InspectCommand } from '../../cli/command/inspect-command.ts';
import { poolDetails } from '../../cli/output/listings/pool-view.ts';

export default class PoolInspect extends InspectCommand {
  static override summary = 'Show everything about pools as JSON.';
  static override description =
    'An array, of one, too, as docker\'s inspect; "pool get" is for reading. Shows those that are there and reports the others; exits by the worst failure.';
  static override examples = [
    { description: 'Everything', command: '<%= config.bin %> pool inspect default-pool' },
    {
      description: 'How many wait in it',
      command: "<%= config.bin %> pool inspect -f '{{.idle}}' default-pool",
    },
  ];
  static override args = {
    name: poolsArg,
  };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(PoolInspect);
    const core = await this.core();
    const found = await this.forAll([...new Set(args.name)], (name) => core.pools.get(name, this.call));
    if (found.length > 0 || this.forPrograms) await this.print(poolDetails(found, this.world.clock.now()));
  }
}
