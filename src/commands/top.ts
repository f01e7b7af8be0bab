import { BaseCommand } from '../cli/command/base-command.ts';
import { nameArg } from '../cli/command/flags.ts';
import { processListing } from '../cli/top/process-view.ts';
import { listProcesses } from '../cli/top/processes.ts';

export default class Top extends BaseCommand {
  static override summary = 'Show what runs in a sandbox.';
  static override description =
    'Every process with the numbers that it has inside, in the columns of "ps -ef": C is the share of one core over its whole life, STIME when it was started, TIME the processor time it has used. -q prints process ids.';
  static override examples = [
    { description: 'For reading', command: '<%= config.bin %> top box' },
    { description: 'For scripts', command: '<%= config.bin %> top box -o json' },
  ];
  static override args = { name: nameArg };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(Top);
    const ref = this.ref(args.name);
    const core = await this.core();
    const processes = await listProcesses({ core, ref, signal: this.interruption.signal });
    await this.print(processListing(processes, this.world.clock.now()));
  }
}
