import { BaseCommand } from '../../cli/command/base-command.ts';
import { poolListing } from '../../cli/output/listings/pool-view.ts';

export default class PoolList extends BaseCommand {
  static override summary = 'List the pools.';
  static override description =
    'What each keeps warm, how many instances it has, and how much memory they take. -o wide shows more of the policy, -o json all of it.';
  static override examples = [
    { description: 'For reading', command: '<%= config.bin %> pool list' },
    { description: 'The names', command: '<%= config.bin %> pool list -q' },
  ];

  override async run(): Promise<undefined> {
    await this.parse(PoolList);
    const core = await this.core();
    await this.print(poolListing(await core.pools.list(this.call), this.world.clock.now()));
  }
}
