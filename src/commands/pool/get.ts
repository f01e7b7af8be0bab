import { BaseCommand } from '../../cli/command/base-command.ts';
import { poolArg } from '../../cli/command/flags.ts';
import { poolDetails } from '../../cli/output/listings/pool-view.ts';

export default class PoolGet extends BaseCommand {
  static override summary = 'Show everything about one pool.';
  static override description =
    'Its state, its whole policy, its shapes, and every living instance with its id, state, process id, age and holder.';
  static override examples = [
    { description: 'For reading', command: '<%= config.bin %> pool get default-pool' },
    { description: 'For scripts', command: '<%= config.bin %> pool get default-pool -o json' },
  ];
  static override args = { name: poolArg };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(PoolGet);
    const core = await this.core();
    await this.print(poolDetails([await core.pools.get(args.name, this.call)], this.world.clock.now(), true));
  }
}
