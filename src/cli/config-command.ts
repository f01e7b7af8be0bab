import { BaseCommand } from './base-command.ts';
import type { OutputFormat } from './output/output.ts';

/**
 * A command that changes configuration files. What it prints does not depend on them: they may be broken, which it is
 * there to mend, and a format that it sets is for the commands after it.
 */
export abstract class ConfigCommand extends BaseCommand {
  protected override get format(): OutputFormat {
    return this.formatGiven ? super.format : 'table';
  }

  protected override get colors(): boolean {
    return false;
  }
}
