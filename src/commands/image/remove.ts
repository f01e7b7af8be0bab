import { Args } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';

export default class ImageRemove extends BaseCommand {
  static override summary = 'Remove images.';
  static override description =
    'By reference or digest. An image that a sandbox uses stays. Prints each one that is gone; exits by the worst failure.';
  static override aliases = ['image:rm', 'rmi'];
  static override examples = [
    { description: 'By name', command: '<%= config.bin %> image remove alpine' },
    { description: 'Two at once', command: '<%= config.bin %> image remove alpine tools:1' },
  ];
  static override args = {
    reference: Args.string({
      required: true,
      multiple: true,
      ignoreStdin: true,
      description: 'Reference or digest.',
    }),
  };

  override async run(): Promise<undefined> {
    const { args } = await this.parse(ImageRemove);
    const core = await this.core();
    const gone: { name: string; digest: string }[] = [];
    for (const reference of new Set(args.reference)) {
      try {
        const { image } = await core.images.remove(reference, this.call);
        gone.push({ name: reference, digest: image.digest });
        if (!this.forPrograms) await this.out(`${reference}\n`);
      } catch (error) {
        await this.report(error);
      }
    }
    if (this.forPrograms) await this.print({ items: gone, columns: [], name: ({ name }) => name });
  }
}
