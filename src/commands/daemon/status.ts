import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { daemonListing } from '../../cli/local/daemon-view.ts';
import { localCore } from '../../cli/local/find.ts';

export default class DaemonStatus extends BaseCommand {
  static override summary = 'Show whether the local core runs, and where it listens.';
  static override description = 'Never starts a core. Exit code 0 in either case; read "running" in scripts.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> -o json',
  ];
  static override flags = {
    root: Flags.string({ summary: 'The core of this directory.', helpValue: 'DIR' }),
  };

  async run(): Promise<undefined> {
    const { flags } = await this.parse(DaemonStatus);
    const local = localCore(this.world, this.config.root, flags.root);
    const { runningCore } = await import('../../cli/local/local-core.ts');
    await this.print(daemonListing(await runningCore(local), local.paths));
    return undefined;
  }
}
