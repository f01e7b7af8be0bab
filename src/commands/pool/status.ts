import { BaseCommand } from '../../cli/base-command.ts';
import { poolStatusListing } from '../../cli/output/core-view.ts';

export default class PoolStatus extends BaseCommand {
  static override summary = 'Show the warm pools.';
  static override description =
    `A row for each shape: how many instances are idle, claimed and booting, how many claims found one ready (HITS) or had to boot (MISSES), and how long claims took at the median and the 99th percentile. -o wide says why boots are refused, while they are.`;
  static override examples = [
    { description: 'For reading', command: '<%= config.bin %> pool status' },
    { description: 'For scripts', command: '<%= config.bin %> pool status -o json' },
  ];

  override async run(): Promise<undefined> {
    await this.parse(PoolStatus);
    const core = await this.core();
    await this.print(poolStatusListing(await core.pools.status(this.call)));
  }
}
