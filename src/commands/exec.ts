import { BaseCommand } from '../cli/command/base-command.ts';
import { commandArg, nameArg, processFlags, workdirFlag } from '../cli/command/flags.ts';
import { onSameCore } from '../cli/command/same-core.ts';
import { followCommand, planCommand } from '../cli/session/command-run.ts';

export default class Exec extends BaseCommand {
  static override summary = 'Run a command in a running sandbox.';
  static override description =
    `Streams its output and exits with its exit code: 126 when it cannot be executed, 127 when it is not found, 128 + n when signal n ended it, 125 when its end could not be learned, 124 when --timeout ended it.

Everything after the first word of the command belongs to the command. Standard input is read with -i only.`;
  static override usage = 'exec NAME [FLAGS] [--] COMMAND [ARG...]';
  static override examples = [
    { description: 'One command', command: '<%= config.bin %> exec box ls -la /' },
    { description: 'A shell', command: '<%= config.bin %> exec -it box sh' },
    { description: 'Input from a pipe', command: 'echo hello | <%= config.bin %> exec -i box cat' },
  ];
  static override args = { name: nameArg, command: commandArg };
  static override flags = {
    ...processFlags,
    workdir: workdirFlag('it must be there'),
  };

  protected override get toGive(): Readonly<Record<string, string>> {
    return { COMMAND: `Say what to run; for a shell: fsb-ctl exec -it ${this.firstWord('NAME')} sh` };
  }

  override async run(): Promise<number> {
    const { args, flags } = await this.parse(Exec);
    const ref = this.ref(args.name);
    const plan = await planCommand(args.command, flags, this.world, this.interruption.signal);
    const core = await this.core();
    const session = await core.sandboxes.exec(ref, plan.request, this.call);
    return followCommand(
      session,
      plan,
      { place: ref.name, shownBy: onSameCore(`fsb-ctl top ${ref.name}`, this.typed) },
      this.world,
      this.interruption,
    );
  }
}
