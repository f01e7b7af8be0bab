import { coreFlags } from '../../cli/local/core-flags.ts';
import { daemonListing, movedPorts } from '../../cli/local/daemon-view.ts';
import { LocalCommand } from '../../cli/local/local-command.ts';
import { serveFlags, wayToChange } from '../../cli/local/serve-flags.ts';
import { policyFromFlags } from '../../cli/pool/policy-from-flags.ts';
import { abortable } from '../../core/model/abortable.ts';

export default class DaemonStart extends LocalCommand {
  static override summary = 'Start the local core in the background.';
  static override description =
    'Returns when the core is ready. If it runs already, says so and changes nothing. Flags are those of serve: images of --warm must be here, "pool start" pulls them.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --warm host=4 --max 32',
  ];
  static override flags = coreFlags;

  async run(): Promise<undefined> {
    const { flags, raw } = await this.parse(DaemonStart);
    policyFromFlags(flags);
    const local = await this.local(flags.root);
    const { ensureCore } = await import('../../cli/local/local-core.ts');
    const given = serveFlags(raw, this.world.cwd);
    const { status, started } = await abortable(ensureCore(local, given), this.interruption.signal);
    await this.say(
      started
        ? `The core is running (pid ${status.pid}).`
        : `The core was running already (pid ${status.pid}); its settings are unchanged.`,
    );
    if (started) await this.say(movedPorts(status));
    if (!started) await this.say(wayToChange(given));
    if (started && flags['generate-token']) await this.say(`The token is in ${local.paths.token}.`);
    await this.print(daemonListing(status, local.paths));
    return undefined;
  }
}
