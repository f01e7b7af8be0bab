import { daemonListing, surprises } from '../../cli/local/daemon/daemon-view.ts';
import type { ensureCore } from '../../cli/local/daemon/ensure-core.ts';
import { LocalCommand } from '../../cli/local/daemon/local-command.ts';
import type { LocalCore } from '../../cli/local/daemon/local-core.ts';
import { coreFlags } from '../../cli/local/flags/core-flags.ts';
import { flagsOfEnded } from '../../cli/local/flags/ended-core.ts';
import { keptFlags, serveFlags, wayToChange } from '../../cli/local/flags/serve-flags.ts';
import { policyFromFlags } from '../../cli/pool/policy-from-flags.ts';
import { abortable } from '../../core/model/async/abortable.ts';
import { shellWords } from '../../core/model/shell-words.ts';

export default class DaemonStart extends LocalCommand {
  static override summary = 'Start the local core in the background.';
  static override description =
    'Returns when the core is ready. If it runs already, says so and changes nothing. Flags are those of serve: images of --warm must be here, "pool start" pulls them. It begins with these and no others. Where none are given, a core after one that has ended unexpectedly has the flags of that, as when another command starts it by itself; "daemon stop" forgets them.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --warm host=4 --max 32',
  ];
  static override flags = coreFlags;

  async run(): Promise<undefined> {
    const { flags, raw } = await this.parse(DaemonStart);
    policyFromFlags(flags);
    const local = await this.local(flags.root);
    const given = serveFlags(raw, this.world.cwd);
    const lost = given.length > 0 ? keptFlags(await flagsOfEnded(local.paths), given) : [];
    const { status, started } = await abortable(this.#start(local, given), this.interruption.signal);
    await this.say(
      started
        ? `The core is running (pid ${status.pid}).`
        : `The core was running already (pid ${status.pid}); its settings are unchanged.`,
    );
    if (started) await this.say(surprises(status));
    if (!started) await this.say(wayToChange(given, status.flags));
    else if (lost.length > 0)
      await this.say(`The core before had ended unexpectedly; this one is without its ${shellWords(lost)}`);
    if (started && status.flags?.includes('--generate-token'))
      await this.say(`The token is in ${local.paths.token}.`);
    await this.print(daemonListing(status, local.paths));
    return undefined;
  }

  async #start(local: LocalCore, given: string[]): ReturnType<typeof ensureCore> {
    if (given.length > 0) {
      const { ensureCore: start } = await import('../../cli/local/daemon/ensure-core.ts');
      return start(local, given);
    }
    const { startAsBefore } = await import('../../cli/local/daemon/autostart.ts');
    return startAsBefore(local, (text) => this.say(text));
  }
}
