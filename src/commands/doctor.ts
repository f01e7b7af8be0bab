import { BaseCommand } from '../cli/base-command.ts';
import { localCore } from '../cli/local/find.ts';

export default class Doctor extends BaseCommand {
  static override summary = 'Check that this machine can run sandboxes.';
  static override description =
    'Says which runtime was found, whether images can come, what is missing and how to get it. Changes nothing and starts nothing. Exit code 0 ' +
    'when all is well, 1 when something is missing.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> -o json',
  ];

  async run(): Promise<number> {
    await this.parse(Doctor);
    const { doctorListing, examine } = await import('../cli/local/doctor.ts');
    const checks = await examine(localCore(this.world, this.config.root), this.world);
    await this.print(doctorListing(checks));
    for (const { name, hint } of checks) if (hint !== '') await this.say(`Hint: ${name}: ${hint}`);
    return checks.every(({ ok }) => ok) ? 0 : 1;
  }
}
