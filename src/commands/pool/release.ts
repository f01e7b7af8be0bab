import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';

export default class PoolRelease extends BaseCommand {
  static override summary = 'Give leased instances back.';
  static override description =
    `Ends what runs in them and gives their room back. Releases all of them side by side, prints the id of each that is gone, in the order given, reports every failure and exits by the worst.`;
  static override usage = 'pool release [FLAGS] LEASE...';
  static override examples = [
    { description: 'One', command: '<%= config.bin %> pool release $LEASE' },
    { description: 'Two at once', command: '<%= config.bin %> pool release $LEASE $OTHER' },
  ];
  static override args = {
    lease: Args.string({
      required: true,
      multiple: true,
      ignoreStdin: true,
      description: 'Ids, from "pool run --lease" or "pool leases".',
    }),
  };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(PoolRelease);
    const core = await this.core();
    await this.forEach(
      [...new Set(args.lease)],
      (lease) => core.pools.release(lease, this.call),
      (lease) => ({ name: lease }),
    );
  }
}
