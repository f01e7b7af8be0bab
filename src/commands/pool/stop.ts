import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { durationFlag } from '../../cli/command/flags.ts';
import { onePool } from '../../cli/output/listings/pool-view.ts';
import { DEFAULT_POOL } from '../../core/model/ids.ts';

export default class PoolStop extends BaseCommand {
  static override summary = 'Keep nothing warm any more.';
  static override description =
    'Removes the idle instances of the pool, and returns when they are gone. Sandboxes and leases out of it go on, and claims still work: they boot. "pool start" warms it again. No core: says so, exit code 0.';
  static override examples = [
    { description: 'The default pool', command: '<%= config.bin %> pool stop' },
    { description: 'Another one, within a time', command: '<%= config.bin %> pool stop ci --timeout 10s' },
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, description: 'Name of the pool. Default: default-pool.' }),
  };
  static override flags = {
    timeout: durationFlag({ summary: 'Wait this long at most; it stops all the same. Default: 60s.' }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(PoolStop);
    const options = { timeout: flags.timeout, ...this.call };
    const stopped = await this.ifRunning((core) => core.pools.stop(args.name ?? DEFAULT_POOL, options));
    if (stopped !== undefined) await this.print(onePool(stopped, this.world.clock.now()));
  }
}
