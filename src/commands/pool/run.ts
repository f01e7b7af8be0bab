import { Args } from '@oclif/core';
import { DEFAULT_DETACH_KEYS } from '../../cli/command/flags.ts';
import { onSameCore } from '../../cli/command/same-core.ts';
import { withImage } from '../../cli/images/pull-missing.ts';
import { PullingCommand } from '../../cli/images/pulling-command.ts';
import { leaseListing } from '../../cli/output/listings/lease-view.ts';
import { leaseRequest, type PoolRunFlags, poolRunFlags } from '../../cli/pool/lease-flags.ts';
import { waiting } from '../../cli/pool/waiting-line.ts';
import { type CommandPlan, followCommand, planCommand } from '../../cli/session/command-run.ts';
import type { CoreApi } from '../../core/api/core-api.ts';
import type { LeaseRequest } from '../../core/api/pool-api.ts';
import { HOST_IMAGE } from '../../core/model/image/reference.ts';
import type { Lease } from '../../core/model/pool/pool.ts';

export default class PoolRun extends PullingCommand {
  static override summary = 'Run one command in a warm instance.';
  static override description =
    `Claims an instance, streams the command's output, gives the instance back, and exits with the command's code as exec does; 5 when no instance came within --wait, 124 when --timeout was up first. No sandbox is made: nothing of it is listed, logged or kept.

With --lease the instance is kept for "pool exec", until "pool release" or until nothing ran in it for its ttl. A command is run as exec does it: the image's entrypoint has no part in it, as it has in run. Without one the image's own runs, entrypoint and default command; with --lease nothing does, and the lease's id is printed. Everything from the first word of the command on belongs to the command. Standard input is read with -i only.`;
  static override usage = 'pool run [FLAGS] [--] [COMMAND [ARG...]]';
  static override examples = [
    { description: 'One command', command: '<%= config.bin %> pool run uname -a' },
    { description: 'Input from a pipe', command: 'echo hello | <%= config.bin %> pool run -i cat' },
    { description: 'A shell', command: '<%= config.bin %> pool run -it --image host sh' },
    { description: 'Keep one for several commands', command: '<%= config.bin %> pool run --lease' },
  ];
  static override args = {
    command: Args.string({
      multiple: true,
      ignoreStdin: true,
      description: "Command and its arguments. Default: the image's own.",
    }),
  };
  static override flags = poolRunFlags;

  override async run(): Promise<number> {
    const { args, flags } = await this.parse(PoolRun);
    const command = args.command ?? [];
    const request = leaseRequest(flags, this.world.cwd, this.settings.fromFiles('pool'));
    if (flags.lease) {
      const plan = command.length > 0 ? await this.#plan(command, flags) : undefined;
      const core = await this.core();
      const wanted = { ...request, ttl: flags['lease-ttl'] };
      const lease = await this.#claim(core, flags, request, (imageDigest) =>
        core.pools.lease({ ...wanted, imageDigest }, this.call),
      );
      return this.#inLease(core, lease, plan);
    }
    const plan = await this.#plan(command, flags);
    const core = await this.core();
    const { request: exec } = plan;
    const session = await this.#claim(core, flags, request, (imageDigest) =>
      core.pools.run({ ...request, imageDigest, exec }, this.call),
    );
    return followCommand(
      session,
      plan,
      { place: `pool ${request.pool}`, shownBy: onSameCore('fsb-ctl pool status', this.typed) },
      this.world,
      this.interruption,
    );
  }

  async #plan(command: string[], flags: PoolRunFlags): Promise<CommandPlan> {
    // A one-shot command that was left could not be found again; it ends when its caller goes.
    const detachKeys = flags.lease ? (flags['detach-keys'] ?? DEFAULT_DETACH_KEYS) : '';
    return planCommand(
      command,
      { ...flags, 'detach-keys': detachKeys },
      this.world,
      this.interruption.signal,
    );
  }

  /** An image that is not here is pulled first; that is no waiting for an instance. */
  #claim<T>(
    core: CoreApi,
    flags: PoolRunFlags,
    { pool, image }: LeaseRequest,
    claim: (imageDigest?: string) => Promise<T>,
  ): Promise<T> {
    const nameImage = async (): Promise<string> =>
      image ?? (await core.pools.get(pool, this.call)).policy.warm[0]?.image ?? HOST_IMAGE;
    return withImage(this.puller(core), flags, nameImage, (digest) =>
      this.patiently(claim(digest), waiting(pool)),
    );
  }

  async #inLease(core: CoreApi, lease: Lease, plan: CommandPlan | undefined): Promise<number> {
    if (plan === undefined) {
      await this.#printLease(lease);
      return 0;
    }
    await this.tell({ lease: lease.id }, `Lease: ${lease.id}`);
    const session = await core.pools.exec(lease.id, plan.request, this.call);
    return followCommand(
      session,
      plan,
      { place: `lease ${lease.id}`, shownBy: onSameCore('fsb-ctl pool leases', this.typed) },
      this.world,
      this.interruption,
    );
  }

  /** A script that asked for no format wants the id alone: LEASE=$(fsb-ctl pool run --lease). */
  async #printLease(lease: Lease): Promise<void> {
    const { stdout } = this.world.terminal;
    if (!this.formatGiven && !stdout.isTTY) await this.out(`${lease.id}\n`);
    else await this.print({ ...leaseListing([lease], this.world.clock.now()), single: true });
  }
}
