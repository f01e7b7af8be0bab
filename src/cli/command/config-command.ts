import type { Settings } from '../config/settings.ts';
import { BaseCommand } from './base-command.ts';

/**
 * A command that changes configuration files. What it prints does not depend on them: they may be broken, which it is
 * there to mend, and a format that it sets is for the commands after it.
 */
export abstract class ConfigCommand extends BaseCommand {
  protected override get appearance(): Pick<Settings, 'output' | 'color'> {
    return { output: 'table', color: 'never' };
  }
}
