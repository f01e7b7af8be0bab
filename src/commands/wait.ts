import { BaseCommand } from '../cli/command/base-command.ts';
import { namesArg } from '../cli/command/flags.ts';
import { sideBySide } from '../cli/output/side-by-side.ts';
import { exitCodeOf } from '../core/model/process.ts';

export default class Wait extends BaseCommand {
  static override summary = 'Wait until sandboxes have ended, and print their exit codes.';
  static override description =
    `One line each, in the order given: the code of its command, 128 + n when signal n ended it (also because its time was up, or it is being deleted), 126 and 127 when it could not be executed: what "run -a" exits with. Exits with 0 when all of them are known, whatever they are; one that ended without a status (it was lost, or did not come to run its command) is reported as a failure.`;
  static override usage = 'wait [FLAGS] NAME...';
  static override examples = [
    { description: 'One', command: '<%= config.bin %> wait job' },
    { description: 'Several, as JSON', command: '<%= config.bin %> wait job box -o json' },
  ];
  static override args = { name: namesArg };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(Wait);
    const refs = args.name.map((name) => this.ref(name));
    const core = await this.core();
    const done: { name: string; namespace: string; exit_code: number }[] = [];
    for await (const { item, result, error } of sideBySide(refs, (ref) =>
      core.sandboxes.wait(ref, this.call),
    )) {
      if (error) await this.report(error);
      if (result === undefined) continue;
      const exit_code = exitCodeOf(result);
      done.push({ name: item.name, namespace: item.namespace, exit_code });
      if (!this.forPrograms) await this.out(`${exit_code}\n`);
    }
    if (this.forPrograms) await this.print({ items: done, columns: [], name: ({ name }) => name });
  }
}
