import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { durationFlag, poolArg } from '../../cli/command/flags.ts';
import { onePool } from '../../cli/output/listings/pool-view.ts';

export default class PoolDrain extends BaseCommand {
  static override summary = 'Empty a pool.';
  static override description =
    'Refuses claims from now on, removes what is idle, waits for what is in use, and returns when no instance is left. "pool start" makes it active again.';
  static override examples = [
    { description: 'Wait for what is in use', command: '<%= config.bin %> pool drain ci' },
    {
      description: 'Half a minute, then end it',
      command: '<%= config.bin %> pool drain ci --timeout 30s --force',
    },
  ];
  static override args = { name: poolArg };
  static override flags = {
    timeout: durationFlag({
      summary: 'Wait this long for what is in use. Default: 60s; with --force: 0s.',
    }),
    force: Flags.boolean({
      char: 'f',
      summary: 'After that time end the sandboxes and leases that are left.',
    }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(PoolDrain);
    const timeout = flags.timeout ?? (flags.force ? 0 : undefined);
    const core = await this.core();
    const draining = core.pools.drain(args.name, { timeout, force: flags.force, ...this.call });
    const pool = await this.patiently(
      draining,
      `Waiting for what is in use: see fsb-ctl pool get ${args.name}. The pool takes no more claims, also when you leave.`,
    );
    await this.print(onePool(pool, this.world.clock.now()));
  }
}
