import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { usageDetails } from '../../cli/system/usage-details.ts';
import { askUsage, usageRows } from '../../cli/system/usage-rows.ts';
import { usageDetailsListing, usageListing } from '../../cli/system/usage-view.ts';

export default class SystemDf extends BaseCommand {
  static override summary = 'Show what takes room on the disk and in memory.';
  static override description =
    'Images; the files that sandboxes have written, also those of ended ones; logs; the instances that pools keep warm or have lent; the records of the core; and what is left over. RECLAIMABLE is what "system prune --all" frees in all namespaces. The files are walked, which takes its time where there are many.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    { description: 'Each thing', command: '<%= config.bin %> <%= command.id %> -v' },
    {
      description: 'For a script',
      command: "<%= config.bin %> <%= command.id %> --format '{{.type}} {{.reclaimable_bytes}}'",
    },
  ];
  static override flags = {
    verbose: Flags.boolean({ char: 'v', summary: 'Each image, sandbox, log and instance.' }),
  };

  override async run(): Promise<undefined> {
    const { flags } = await this.parse(SystemDf);
    const core = await this.core();
    const facts = await this.patiently(askUsage(core, this.call), 'Walking through the files ...');
    if (flags.verbose) await this.print(usageDetailsListing(usageDetails(facts), this.untruncated));
    else await this.print(usageListing(usageRows(facts)));
  }
}
