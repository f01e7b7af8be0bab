import { Args } from '@oclif/core';
import { BaseCommand } from '../cli/command/base-command.ts';
import { nameArg } from '../cli/command/flags.ts';
import { assertName } from '../core/model/ids.ts';

export default class Rename extends BaseCommand {
  static override summary = 'Give a sandbox another name.';
  static override description = 'Nothing else changes, and the old name is free at once. Prints the new one.';
  static override examples = [
    { description: 'Another name', command: '<%= config.bin %> rename box crate' },
    { description: 'In another namespace', command: '<%= config.bin %> rename --namespace team box crate' },
  ];
  static override args = {
    name: nameArg,
    new: Args.string({ required: true, ignoreStdin: true, description: 'New name.' }),
  };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(Rename);
    const ref = this.ref(args.name);
    assertName(args.new, 'sandbox name');
    const core = await this.core();
    const { name, namespace } = await core.sandboxes.rename(ref, args.new, this.call);
    const items = [{ name, namespace }];
    if (this.forPrograms) await this.print({ items, single: true, columns: [], name: (it) => it.name });
    else await this.out(`${name}\n`);
  }
}
