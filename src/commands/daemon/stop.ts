import { rootFlag } from '../../cli/command/flags.ts';
import { LocalCommand } from '../../cli/local/daemon/local-command.ts';
import type { LocalCore } from '../../cli/local/daemon/local-core.ts';
import { abortable } from '../../core/model/async/abortable.ts';
import { shellWords } from '../../core/model/shell-words.ts';

export default class DaemonStop extends LocalCommand {
  static override summary = 'Stop the local core.';
  static override description =
    'Ends the core in order and removes its warm instances. Sandboxes that run keep running, and the next core takes ' +
    'them up again; sessions of "exec" and "attach" are cut, say so, and end with 125. No core: says so, exit code 0; the flags of one that has ended unexpectedly are forgotten. Another core that --host or --context names is refused: run it there.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --root /tmp/other',
  ];
  static override flags = {
    root: rootFlag,
  };

  async run(): Promise<undefined> {
    const { flags } = await this.parse(DaemonStop);
    const local = await this.local(flags.root);
    const { stopCore } = await import('../../cli/local/daemon/stop-core.ts');
    const stopped = await abortable(stopCore(local), this.interruption.signal);
    await this.say(stopped ? 'The core has stopped.' : await this.#noCore(local));
    return undefined;
  }

  async #noCore(local: LocalCore): Promise<string> {
    const { forgetFlagsOfEnded } = await import('../../cli/local/daemon/forget-ended.ts');
    const forgotten = await forgetFlagsOfEnded(local);
    return forgotten.length === 0
      ? 'No core is running.'
      : `No core is running; the flags of the one that had ended unexpectedly are forgotten: ${shellWords(forgotten)}`;
  }
}
