import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/command/base-command.ts';
import { detachKeysFlag, nameArg, noSignalProxyFlag } from '../cli/command/flags.ts';
import { parseDetachKeys } from '../cli/session/detach-keys.ts';
import { assertCanJoin, joinSandbox } from '../cli/session/main-session.ts';

export default class Attach extends BaseCommand {
  static override summary = 'Join the command of a running sandbox.';
  static override description =
    `Shows what it writes from now on, and exits with its exit code. Sends standard input if the sandbox was created with -i, and gives it the terminal if it was created with -t: what fills the screen is drawn again. Signals go to the command; the detach keys leave it running.`;
  static override examples = [
    { description: 'A shell that was left with ctrl-p ctrl-q', command: '<%= config.bin %> attach shell' },
    {
      description: 'Only look on; an interrupt ends the looking',
      command: '<%= config.bin %> attach --no-stdin --no-sig-proxy box',
    },
  ];
  static override args = { name: nameArg };
  static override flags = {
    'no-stdin': Flags.boolean({ summary: 'Keep standard input here.' }),
    'no-sig-proxy': noSignalProxyFlag,
    'detach-keys': detachKeysFlag,
  };

  override async run(): Promise<number> {
    const { args, flags } = await this.parse(Attach);
    const ref = this.ref(args.name);
    parseDetachKeys(flags['detach-keys']);
    const core = await this.core();
    const sandbox = await core.sandboxes.get(ref, this.call);
    const { world, interruption } = this;
    if (!flags['no-stdin'])
      assertCanJoin(sandbox, world, 'Give --no-stdin: it shows what is written from now on.');
    return joinSandbox(sandbox, flags, {
      ...{ core, ref, world, interruption },
      stdin: !flags['no-stdin'],
      replay: false,
    });
  }
}
