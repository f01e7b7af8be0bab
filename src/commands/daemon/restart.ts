import { BaseCommand } from '../../cli/base-command.ts';
import { coreFlags } from '../../cli/local/core-flags.ts';
import { daemonListing } from '../../cli/local/daemon-view.ts';
import { localCore } from '../../cli/local/find.ts';
import { serveFlags } from '../../cli/local/serve-flags.ts';
import { policyFromFlags } from '../../cli/pool/policy-from-flags.ts';
import { abortable } from '../../core/model/abortable.ts';
import { FsbError } from '../../core/model/errors.ts';

export default class DaemonRestart extends BaseCommand {
  static override summary = 'Stop the local core and start it again.';
  static override description =
    'Sandboxes keep running meanwhile, and the new core takes them up. One that does not run is started. Flags are those of serve; policies of pools are kept without them, addresses are not.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --max 32',
  ];
  static override flags = coreFlags;

  async run(): Promise<undefined> {
    const { flags, raw } = await this.parse(DaemonRestart);
    policyFromFlags(flags);
    const local = localCore(this.world, this.config.root, flags.root);
    const { startCore, stopCore } = await import('../../cli/local/local-core.ts');
    const { signal } = this.interruption;
    const stopped = await abortable(stopCore(local), signal);
    const words = serveFlags(raw, this.world.cwd);
    const start = startCore(local, words).catch(async (error: unknown) => {
      if (!stopped || words.length === 0) throw error;
      // A flag that only a core that starts can find bad must not leave none.
      await startCore(local);
      const { code, message, hint = '' } = FsbError.from(error);
      throw new FsbError(code, message, {
        hint: `The core runs again, without these flags. ${hint}`.trim(),
        cause: error,
      });
    });
    const { status } = await abortable(start, signal);
    await this.say(`The core is running ${stopped ? 'again' : 'now'} (pid ${status.pid}).`);
    await this.print(daemonListing(status, local.paths));
  }
}
