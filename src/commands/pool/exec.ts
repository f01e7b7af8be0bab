import { BaseCommand } from '../../cli/command/base-command.ts';
import { commandArg, leaseArg, processFlags } from '../../cli/command/flags.ts';
import { onSameCore } from '../../cli/command/same-core.ts';
import { followCommand, planCommand } from '../../cli/session/command-run.ts';

export default class PoolExec extends BaseCommand {
  static override summary = 'Run a command in a leased instance.';
  static override description =
    `Streams its output and exits with its exit code, as exec does. The lease stays, with the files and processes in it, until "pool release" or until nothing ran in it for its ttl.

Everything after the first word of the command belongs to the command. Standard input is read with -i only.`;
  static override usage = 'pool exec LEASE [FLAGS] [--] COMMAND [ARG...]';
  static override examples = [
    { description: 'One command', command: '<%= config.bin %> pool exec $LEASE ls -la /' },
    { description: 'A shell', command: '<%= config.bin %> pool exec -it $LEASE sh' },
  ];
  static override args = { lease: leaseArg, command: commandArg };
  static override flags = processFlags;

  protected override get toGive(): Readonly<Record<string, string>> {
    return { COMMAND: `Say what to run; for a shell: fsb-ctl pool exec -it ${this.firstWord('LEASE')} sh` };
  }

  override async run(): Promise<number> {
    const { args, flags } = await this.parse(PoolExec);
    const plan = await planCommand(args.command, flags, this.world, this.interruption.signal);
    const core = await this.core();
    const session = await core.pools.exec(args.lease, plan.request, this.call);
    return followCommand(
      session,
      plan,
      { place: `lease ${args.lease}`, shownBy: onSameCore('fsb-ctl pool leases', this.typed) },
      this.world,
      this.interruption,
    );
  }
}
