import { Args } from '@oclif/core';
import { withImages } from '../../cli/images/pull-missing.ts';
import { PullingCommand } from '../../cli/images/pulling-command.ts';
import { onePool } from '../../cli/output/listings/pool-view.ts';
import { policyFileFlag, policyFlags, warmImageFlag, warmPullFlag } from '../../cli/pool/policy-flags.ts';
import { warmNames } from '../../cli/pool/policy-from-flags.ts';
import { policyRequest, poolName } from '../../cli/pool/policy-request.ts';
import { unusedSize } from '../../cli/pool/unused-size.ts';

export default class PoolCreate extends PullingCommand {
  static override summary = 'Create a pool.';
  static override description =
    'From a policy in YAML or JSON, from flags, or both: then the flags win. It is active at once and warms in the background; "pool start" waits for that. The keys of a policy are those that "pool get -o yaml" shows under policy.';
  static override examples = [
    {
      description: 'From flags',
      command: '<%= config.bin %> pool create ci --warm host=2 --max 4 --memory 256m',
    },
    { description: 'From a file', command: '<%= config.bin %> pool create -f pool.yaml' },
    {
      description: 'From standard input',
      command: `echo '{"name": "ci", "warm": [{"image": "host"}]}' | <%= config.bin %> pool create -f -`,
    },
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, description: 'Name of the pool, unless the file has it.' }),
  };
  static override flags = {
    file: policyFileFlag,
    image: warmImageFlag,
    pull: warmPullFlag(),
    ...policyFlags,
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(PoolCreate);
    const policy = await policyRequest(flags, this.world, this.interruption.signal);
    const name = poolName(args.name, policy.name);
    const core = await this.core();
    const pool = await withImages(this.puller(core), flags.pull, warmNames(policy), () =>
      core.pools.create({ ...policy, name }, this.call),
    );
    await this.say(unusedSize(flags.size, pool));
    await this.print(onePool(pool, this.world.clock.now()));
  }
}
