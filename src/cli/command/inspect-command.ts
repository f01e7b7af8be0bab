import type { OutputFormat } from '../output/output.ts';
import { BaseCommand } from './base-command.ts';
import { globalFlagsWithF } from './global-flags.ts';

/** As docker's inspect: JSON unless something else is asked for, and -f is its format. */
export abstract class InspectCommand extends BaseCommand {
  static override baseFlags = globalFlagsWithF;

  protected override get format(): OutputFormat {
    return this.formatGiven ? super.format : 'json';
  }
}
