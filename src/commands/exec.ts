import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { nameArg, processFlags } from '../cli/flags.ts';
import { readEnvFlags } from '../cli/run/run-spec.ts';
import { parseDetachKeys } from '../cli/session/detach-keys.ts';
import { assertTerminal, driveSession, terminalSize } from '../cli/session/session.ts';
import { tryWrite } from '../cli/streams.ts';
import { exitCodeOf } from '../core/model/process.ts';

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
  static override args = {
    name: nameArg,
    command: Args.string({
      required: true,
      multiple: true,
      ignoreStdin: true,
      description: 'Command and its arguments.',
    }),
  };
  static override flags = processFlags;

  override async run(): Promise<number> {
    const { args, flags } = await this.parse(Exec);
    const ref = this.ref(args.name);
    const { terminal } = this.world;
    const detachKeys = parseDetachKeys(flags['detach-keys']);
    assertTerminal(terminal, flags);
    const request = {
      argv: args.command,
      env: await readEnvFlags(flags, this.world),
      cwd: flags.workdir ?? '',
      user: flags.user ?? '',
      tty: flags.tty,
      stdin: flags.interactive && !flags.detach,
      detach: flags.detach,
      size: flags.tty ? terminalSize(terminal) : undefined,
    };
    const core = await this.core();
    const session = await core.sandboxes.exec(ref, request, this.call);
    if (flags.detach) {
      await session.close();
      return 0;
    }
    const options = {
      stdin: flags.interactive,
      tty: flags.tty,
      signalProxy: !flags['no-sig-proxy'],
      detachKeys,
      killOnTimeout: true,
    };
    const end = await driveSession(session, options, this.world, this.interruption);
    if (end.kind === 'exited') return exitCodeOf(end.status);
    await tryWrite(terminal.stderr, `\r\nDetached; the command goes on in ${ref.name}.\n`);
    return 0;
  }
}
