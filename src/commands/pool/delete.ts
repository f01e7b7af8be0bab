import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { poolsArg } from '../../cli/command/flags.ts';

export default class PoolDelete extends BaseCommand {
  static override summary = 'Delete pools.';
  static override description =
    'Removes their instances and forgets their policies. Deletes all of them side by side, prints the name of each that is gone, in the order given, reports every failure and exits by the worst. The default pool cannot be deleted.';
  static override examples = [
    { description: 'One of which nothing is in use', command: '<%= config.bin %> pool delete ci' },
    {
      description: 'Two, with all that runs in them',
      command: '<%= config.bin %> pool delete ci nightly --force',
    },
  ];
  static override args = {
    name: poolsArg,
  };
  static override flags = {
    force: Flags.boolean({ char: 'f', summary: 'End the sandboxes and leases out of it, too.' }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(PoolDelete);
    const core = await this.core();
    await this.forEach(
      [...new Set(args.name)],
      (name) => core.pools.delete(name, { force: flags.force, ...this.call }),
      (name) => ({ name }),
    );
  }
}
