import { Flags } from '@oclif/core';
import { detachKeysFlag, namesArg, noSignalProxyFlag } from '../cli/command/flags.ts';
import { NamesCommand } from '../cli/command/names-command.ts';
import { parseDetachKeys } from '../cli/session/detach-keys.ts';
import { assertCanJoin, joinSandbox, type MainSessionFlags } from '../cli/session/main-session.ts';
import { terminalSize } from '../cli/session/session.ts';
import { FsbError } from '../core/model/failure/errors.ts';

export default class Start extends NamesCommand {
  static override summary = 'Start ended sandboxes again, with their files.';
  static override description =
    `A new generation of the same sandbox: its name, its spec, what was written in it and its log stay, its id is new (the first one and the last 32 still find it), and a ttl counts anew. One that runs is fine. With --attach or -i it stays with one sandbox, streams its output, and exits with the code of its command. Does it to all of them side by side, prints the name of each that is done, in the order given, reports every failure and exits by the worst.`;
  static override usage = 'start [FLAGS] NAME...';
  static override examples = [
    { description: 'Two of them', command: '<%= config.bin %> start box job' },
    { description: 'Stay, and exit with its code', command: '<%= config.bin %> start --attach job' },
  ];
  static override args = { name: namesArg };
  static override flags = {
    attach: Flags.boolean({ char: 'a', summary: "Stream its output and exit with its command's code." }),
    interactive: Flags.boolean({
      char: 'i',
      default: false,
      summary: 'Send standard input, if it was created with -i; implies --attach.',
    }),
    'no-sig-proxy': noSignalProxyFlag,
    'detach-keys': detachKeysFlag,
  };

  override async run(): Promise<number | undefined> {
    const { args, flags } = await this.parse(Start);
    parseDetachKeys(flags['detach-keys']);
    if (flags.attach || flags.interactive) return this.#startAndJoin(args.name, flags);
    await this.forNames(args.name, (core, ref) => core.sandboxes.start(ref, this.call));
    return undefined;
  }

  async #startAndJoin(names: string[], flags: MainSessionFlags & { interactive: boolean }): Promise<number> {
    const [name, ...others] = names;
    if (others.length > 0)
      throw new FsbError('invalid_argument', 'only one sandbox can be attached to at a time', {
        hint: 'Leave out --attach and -i, or name one sandbox.',
      });
    const ref = this.ref(name!);
    const core = await this.core();
    const before = await core.sandboxes.get(ref, this.call);
    const { world, interruption } = this;
    if (flags.interactive) assertCanJoin(before, world, 'Leave out -i: --attach alone shows its output.');
    const size = before.spec.tty ? terminalSize(world.terminal) : undefined;
    const sandbox = await core.sandboxes.start(ref, { size, ...this.call });
    return joinSandbox(sandbox, flags, {
      ...{ core, ref, world, interruption },
      stdin: flags.interactive,
      // Of one that ran already, as attach does.
      replay: sandbox.id !== before.id,
    });
  }
}
