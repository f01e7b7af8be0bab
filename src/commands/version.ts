import { Flags } from '@oclif/core';
import { BaseCommand } from '../cli/command/base-command.ts';
import { globalFlagsWithF } from '../cli/command/global-flags.ts';
import type { Settings } from '../cli/config/settings.ts';
import { localCore } from '../cli/local/daemon/find.ts';
import { type AskedCore, versionListing } from '../cli/output/listings/version-view.ts';
import { FsbError } from '../core/model/failure/errors.ts';

export default class Version extends BaseCommand {
  static override baseFlags = globalFlagsWithF;
  static override summary = 'Show the versions of the command line and of the core.';
  static override description =
    'Starts no core: when none runs here, it says so. A core that was named and cannot be reached is an error, after that.';
  static override examples = [
    { description: 'Both', command: '<%= config.bin %> version' },
    { description: 'For a bug report', command: '<%= config.bin %> version -o json' },
  ];
  static override flags = { client: Flags.boolean({ summary: 'Only the command line; ask no core.' }) };

  /** What is asked for in the report of a bug must not fail by a file that is part of it. */
  protected override get appearance(): Pick<Settings, 'output' | 'color'> {
    return this.settings.usable;
  }

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(Version);
    const asked = flags.client ? {} : await this.#ask();
    await this.print(versionListing(this.world.version, process.version.slice(1), asked));
    if (asked.error !== undefined) throw asked.error;
  }

  /**
   * No local core is nothing wrong here; one that was named, and is not there, is, as is a file that says which: after what
   * is known without them.
   */
  async #ask(): Promise<AskedCore & { error?: unknown }> {
    try {
      const core = await this.core(false);
      return { core: await core.system.info(this.call) };
    } catch (error) {
      const { code } = FsbError.from(error);
      if (code !== 'unavailable' || this.settings.core.endpoint !== undefined) return { error };
      return { missing: `unix://${localCore(this.world, this.config.root).paths.grpcSocket}` };
    }
  }
}
