import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/base-command.ts';
import { versionListing } from '../cli/output/core-view.ts';
import type { SystemInfo } from '../core/api/core-api.ts';
import { FsbError } from '../core/model/errors.ts';

export default class Version extends BaseCommand {
  static override summary = 'Show the versions of the command line and of the core.';
  static override description = 'Starts no core: when none runs, only the command line is shown.';
  static override examples = [
    { description: 'Both', command: '<%= config.bin %> version' },
    { description: 'For a bug report', command: '<%= config.bin %> version -o json' },
  ];
  static override flags = { client: Flags.boolean({ summary: 'Only the command line; ask no core.' }) };

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(Version);
    const info = flags.client ? undefined : await this.#coreInfo();
    await this.print(versionListing(this.world.version, process.version.slice(1), info));
  }

  /** Undefined when no core runs: here that is nothing wrong. */
  async #coreInfo(): Promise<SystemInfo | undefined> {
    try {
      const core = await this.core(false);
      return await core.system.info(this.call);
    } catch (error) {
      if (FsbError.from(error).code === 'unavailable') return undefined;
      throw error;
    }
  }
}
