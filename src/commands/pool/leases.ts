import { BaseCommand } from '../../cli/command/base-command.ts';
import { leaseListing } from '../../cli/output/listings/lease-view.ts';

export default class PoolLeases extends BaseCommand {
  static override summary = 'List leased instances.';
  static override description =
    'Those that "pool run --lease" keeps, with their ttl and how many commands run in them now. -q prints ids.';
  static override examples = [
    { description: 'For reading', command: '<%= config.bin %> pool leases' },
    { description: 'For scripts', command: '<%= config.bin %> pool leases -q' },
  ];

  override async run(): Promise<undefined> {
    await this.parse(PoolLeases);
    const core = await this.core();
    await this.print(leaseListing(await core.pools.leases(this.call), this.world.clock.now()));
  }
}
