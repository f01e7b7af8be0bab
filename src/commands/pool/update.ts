import { Flags } from '@oclif/core';
import { poolArg } from '../../cli/command/flags.ts';
import { pullImages, withImages } from '../../cli/images/pull-missing.ts';
import { PullingCommand } from '../../cli/images/pulling-command.ts';
import { onePool } from '../../cli/output/listings/pool-view.ts';
import { policyFileFlag, policyFlags, warmImageFlag, warmPullFlag } from '../../cli/pool/policy-flags.ts';
import { warmNames } from '../../cli/pool/policy-from-flags.ts';
import { policyRequest, poolName } from '../../cli/pool/policy-request.ts';
import { rateFlag } from '../../cli/pool/rate-flag.ts';
import { warmNow } from '../../cli/pool/start-pool.ts';
import { unusedSize } from '../../cli/pool/unused-size.ts';
import { FsbError } from '../../core/model/failure/errors.ts';

export default class PoolUpdate extends PullingCommand {
  static override summary = 'Change a pool.';
  static override description =
    'Changes what the file and the flags name, and nothing else; --warm replaces the whole list. All of it or, when something is wrong, nothing. Instances in use are never touched.';
  static override examples = [
    { description: 'More room', command: '<%= config.bin %> pool update default-pool --max 16' },
    { description: 'Boot again at once', command: '<%= config.bin %> pool update default-pool --reset' },
  ];
  static override args = { name: poolArg };
  static override flags = {
    file: policyFileFlag,
    image: warmImageFlag,
    pull: warmPullFlag(),
    ...policyFlags,
    reset: Flags.boolean({
      summary: 'Close every circuit breaker: boots that failed are tried again at once.',
    }),
    pressure: rateFlag({ summary: 'How hard the surroundings press, 0 to 1, for the autoscaler.' }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(PoolUpdate);
    const { name: inFile, ...policy } = await policyRequest(flags, this.world, this.interruption.signal);
    const name = poolName(args.name, inFile);
    const { reset, pressure } = flags;
    const pulls = flags.pull === 'always';
    if (Object.keys(policy).length === 0 && !reset && pressure === undefined && !pulls)
      throw new FsbError('invalid_argument', 'nothing to change was given', {
        hint: 'Give --file, --reset, --pressure or a flag of the policy; see fsb-ctl pool update --help.',
      });
    const core = await this.core();
    const puller = this.puller(core);
    // Who asks for fresh images of a list that stays means that list.
    if (pulls && policy.warm === undefined)
      await pullImages(puller, 'always', await warmNow(core.pools, name, this.call));
    const pool = await withImages(puller, flags.pull, warmNames(policy), () =>
      core.pools.update(name, { policy, reset, pressure }, this.call),
    );
    await this.say(unusedSize(flags.size, pool));
    await this.print(onePool(pool, this.world.clock.now()));
  }
}
