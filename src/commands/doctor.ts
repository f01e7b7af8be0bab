import { Flags } from '@oclif/core';
import { LocalCommand } from '../cli/local/daemon/local-command.ts';
import type { LocalCore } from '../cli/local/daemon/local-core.ts';
import type { Check } from '../cli/local/doctor/check.ts';
import { abortable } from '../core/model/async/abortable.ts';

export default class Doctor extends LocalCommand {
  static override summary = 'Check that this machine can run sandboxes.';
  static override description =
    `Says whether the configuration can be used, whether enough files may be open, which runtime was found, whether the root can be written and images can come, how the records of the core and its last start are, what is missing and how to get it. Without --fix it changes nothing and starts nothing. Exit code 0 when all is well, 1 when something is missing.

With --fix it builds the guest programs, makes directories, and cleans up what a killed core has left: sockets, dead instances with their cgroups, mounts and layers. Running sandboxes, and whatever a running core owns, stay as they are.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> -o json',
    '<%= config.bin %> <%= command.id %> --fix',
  ];
  static override flags = {
    fix: Flags.boolean({ summary: 'Put right what can be put right, and tell each thing that was done.' }),
  };

  /** It looks at what --host and --context say, too, and harms no core. */
  protected override get refusesOthers(): boolean {
    return false;
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Doctor);
    const local = await this.local();
    const unseen = await this.#attend(local, flags.fix === true);
    const { doctorListing, examine } = await import('../cli/local/doctor/doctor.ts');
    const { configCheck } = await import('../cli/local/doctor/config-check.ts');
    const examined = await this.#bounded(examine(local, this.world));
    const checks = [configCheck(this.settings), ...examined, ...unseen];
    await this.print(doctorListing(checks));
    for (const { name, hint } of checks) if (hint !== '') await this.say(`Hint: ${name}: ${hint}`);
    return checks.every(({ ok }) => ok) ? 0 : 1;
  }

  /** @returns what could not be looked at */
  async #attend(local: LocalCore, fix: boolean): Promise<Check[]> {
    const { findFaults } = await import('../cli/local/doctor/repair/find-faults.ts');
    const { faults, unseen } = await this.#bounded(findFaults(local, this.world.version));
    for (const { remedy, usual, fix: apply } of faults) {
      if (!fix) {
        if (!usual) await this.say(`With --fix: ${remedy}`);
        continue;
      }
      try {
        await this.#bounded(apply(this.interruption.signal));
        await this.tell({ fixed: remedy }, `Done: ${remedy}`);
      } catch (error) {
        if (this.interruption.signal.aborted) throw error;
        await this.report(error);
      }
    }
    return unseen;
  }

  /** What is looked at may never answer: a core that hangs, a disk. */
  #bounded<T>(work: Promise<T>): Promise<T> {
    return abortable(work, this.interruption.signal);
  }
}
