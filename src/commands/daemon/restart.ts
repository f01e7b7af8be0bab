import { Parser } from '@oclif/core';
import { daemonListing, surprises } from '../../cli/local/daemon/daemon-view.ts';
import { LocalCommand } from '../../cli/local/daemon/local-command.ts';
import { coreFlags } from '../../cli/local/flags/core-flags.ts';
import { flagsOfEnded } from '../../cli/local/flags/ended-core.ts';
import { securityFrom } from '../../cli/local/flags/security-flags.ts';
import { flagsOf, keptFlags, serveFlags } from '../../cli/local/flags/serve-flags.ts';
import { policyFromFlags } from '../../cli/pool/policy-from-flags.ts';
import { abortable } from '../../core/model/async/abortable.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { shellWords } from '../../core/model/shell-words.ts';

export default class DaemonRestart extends LocalCommand {
  static override summary = 'Stop the local core and start it again.';
  static override description =
    'Sandboxes keep running meanwhile, and the new core takes them up. One that does not run is started. Flags are those of serve. The new core has the flags of the one that ran, or that has ended unexpectedly, but for those that are given anew; after "daemon stop" there are none. Policies of pools are kept in either case, the environment is that of who restarts it. Another core that --host or --context names is refused: run it there.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --max 32',
  ];
  static override flags = coreFlags;

  async run(): Promise<undefined> {
    const { flags, raw } = await this.parse(DaemonRestart);
    policyFromFlags(flags);
    const local = await this.local(flags.root);
    const { runningCore } = await import('../../cli/local/daemon/running-core.ts');
    const { ensureCore } = await import('../../cli/local/daemon/ensure-core.ts');
    const { stopCore } = await import('../../cli/local/daemon/stop-core.ts');
    const { signal } = this.interruption;
    const given = serveFlags(raw, this.world.cwd);
    const running = await runningCore(local);
    const before = running ? flagsOf(running) : await flagsOfEnded(local.paths);
    const kept = keptFlags(before, given);
    // Before the stop: whatever can be known to be wrong by then costs nobody the core that runs.
    const together = await Parser.parse([...kept, ...given], { flags: coreFlags });
    securityFrom(together.flags, this.world, local.paths.token);
    const stopped = await abortable(stopCore(local), signal);
    const start = ensureCore(local, [...kept, ...given]).catch(async (error: unknown) => {
      if (!stopped || given.length === 0) throw error;
      // A flag that only a core that starts can find bad must not leave none.
      await ensureCore(local, keptFlags(before, []));
      const { code, message, hint = '' } = FsbError.from(error);
      throw new FsbError(code, message, {
        hint: `The core runs again, without these flags. ${hint}`.trim(),
        cause: error,
      });
    });
    const { status } = await abortable(start, signal);
    await this.say(`The core is running ${stopped ? 'again' : 'now'} (pid ${status.pid}).`);
    await this.say(surprises(status));
    if (kept.length > 0) await this.say(`Its flags are those of the core before: ${shellWords(kept)}`);
    await this.print(daemonListing(status, local.paths));
  }
}
