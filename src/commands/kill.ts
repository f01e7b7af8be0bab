import { namesArg, signalFlag } from '../cli/command/flags.ts';
import { NamesCommand } from '../cli/command/names-command.ts';
import { insteadOfFlag } from '../cli/docker/flags.ts';
import { FsbError } from '../core/model/failure/errors.ts';
import { parseSignal } from '../core/model/process.ts';

export default class Kill extends NamesCommand {
  static override summary = 'Send a signal to the commands of sandboxes.';
  static override description =
    `SIGKILL if no other is named. Does not wait for what comes of it. Does it to all of them side by side, prints the name of each that is done, in the order given, reports every failure and exits by the worst.`;
  static override usage = 'kill [FLAGS] NAME...';
  static override examples = [
    { description: 'End it at once', command: '<%= config.bin %> kill box' },
    { description: 'Have it read its configuration again', command: '<%= config.bin %> kill -s HUP box' },
  ];
  static override args = { name: namesArg };
  static override flags = {
    signal: signalFlag({ summary: 'Name or number (TERM, SIGTERM, 15). Default: KILL.' }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Kill);
    assertNoNumber(args.name);
    const signal = flags.signal ?? parseSignal('KILL');
    await this.forNames(args.name, (core, ref) => core.sandboxes.signal(ref, signal, this.call));
  }
}

/** A number with a dash is a word to the parser, not a flag. @throws invalid_argument */
function assertNoNumber(names: string[]): void {
  const number = names.find((name) => /^-\d+$/.test(name));
  if (number === undefined) return;
  const hint = insteadOfFlag('kill', number.slice(1));
  throw new FsbError('invalid_argument', `unknown flag ${number}`, hint === undefined ? {} : { hint });
}
