import { Args, Flags } from '@oclif/core';
import { PullingCommand } from '../../cli/images/pulling-command.ts';
import { onePool } from '../../cli/output/listings/pool-view.ts';
import { ProgressLine } from '../../cli/output/progress-line.ts';
import { policyFlags, warmImageFlag, warmPullFlag } from '../../cli/pool/policy-flags.ts';
import { policyFromFlags } from '../../cli/pool/policy-from-flags.ts';
import { startWithImages, untilWarm } from '../../cli/pool/start-pool.ts';
import { unusedSize } from '../../cli/pool/unused-size.ts';
import type { CoreApi } from '../../core/api/core-api.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { assertName, DEFAULT_POOL } from '../../core/model/ids.ts';
import type { PoolInfo } from '../../core/model/pool/pool.ts';

export default class PoolStart extends PullingCommand {
  static override summary = 'Warm a pool.';
  static override description =
    `Makes the pool, or changes it to what the flags say, and makes it active; what no flag names stays as it is. Starts the core when it does not run. Returns when every warm image has as many idle instances as it is to have; fails with the reason when its instances do not boot, and when nothing has moved for two minutes, because all room is in use for example (exit code 5). ctrl-C ends the waiting only.`;
  static override examples = [
    {
      description: 'Four of the built-in image',
      command: '<%= config.bin %> pool start --image host --size 4',
    },
    {
      description: 'Two images, at most 16 instances at a time',
      command: '<%= config.bin %> pool start --warm host=2,alpine=2 --max 16',
    },
    {
      description: 'A pool of its own, without waiting',
      command: '<%= config.bin %> pool start ci --size 3 --memory 256m --no-wait',
    },
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, description: 'Name of the pool. Default: default-pool.' }),
  };
  static override flags = {
    image: warmImageFlag,
    pull: warmPullFlag(),
    ...policyFlags,
    'no-wait': Flags.boolean({
      summary: 'Return when its images are pulled, and do not wait for its instances; it goes on warming.',
    }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(PoolStart);
    const name = args.name ?? DEFAULT_POOL;
    assertName(name, 'pool name');
    const policy = policyFromFlags(flags);
    const core = await this.core();
    const puller = this.puller(core);
    const start = (): Promise<PoolInfo> => startWithImages(core.pools, name, policy, puller, flags.pull);
    const pool = flags['no-wait'] ? await start() : await this.#warm(core, name, start);
    await this.say(unusedSize(flags.size, pool));
    await this.print(onePool(pool, this.world.clock.now()));
  }

  async #warm(core: CoreApi, name: string, startIt: () => Promise<PoolInfo>): Promise<PoolInfo> {
    const { clock } = this.world;
    const began = clock.monotonic();
    const progress = this.quiet || this.forPrograms ? undefined : new ProgressLine(this.world);
    let started = false;
    const start = async (): Promise<void> => {
      await startIt();
      started = true;
    };
    try {
      const pool = await untilWarm(core, name, {
        start,
        tell: async ({ text }) => progress?.show(`Warming ${name}: ${text}`),
        signal: this.interruption.signal,
        clock,
      });
      await progress?.clear();
      const seconds = ((clock.monotonic() - began) / 1000).toFixed(1);
      const keepsAny = pool.policy.warm.some(({ count }) => count > 0);
      await this.say(
        keepsAny ? `Pool ${name} is warm after ${seconds}s.` : `Pool ${name} keeps nothing warm.`,
      );
      return pool;
    } catch (error) {
      await progress?.clear();
      const { code } = FsbError.from(error);
      if (started && ['cancelled', 'timeout', 'no_capacity'].includes(code))
        await this.say(`Pool ${name} goes on warming: fsb-ctl pool status ${name}`);
      throw error;
    }
  }
}
