import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { removedLines } from '../../cli/output/image-view.ts';
import { type RemovedView, removedView } from '../../core/view/image-view.ts';

export default class ImageRemove extends BaseCommand {
  static override summary = 'Remove images.';
  static override description =
    'Takes the name off, and removes the image with its last one; by digest, when it has one name at most. An image that a sandbox uses or a pool keeps warm stays; with -f it loses its names and goes when nothing uses it any more. Prints each one that is gone, and on standard error what that meant; exits by the worst failure.';
  static override examples = [
    { description: 'By name', command: '<%= config.bin %> image remove alpine' },
    { description: 'Two at once', command: '<%= config.bin %> image remove alpine tools:1' },
    {
      description: 'With all of its names, even when a sandbox uses it',
      command: '<%= config.bin %> image remove --force alpine',
    },
  ];
  static override args = {
    reference: Args.string({
      required: true,
      multiple: true,
      ignoreStdin: true,
      description: 'Reference or digest.',
    }),
  };
  static override flags = {
    force: Flags.boolean({
      char: 'f',
      summary:
        'All names, also of an image in use: it goes when the last sandbox of it is deleted and no pool keeps it warm.',
    }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(ImageRemove);
    const core = await this.core();
    const gone: ({ name: string } & RemovedView)[] = [];
    for (const reference of new Set(args.reference)) {
      try {
        const removed = await core.images.remove(reference, { ...this.call, force: flags.force });
        gone.push({ name: reference, ...removedView(removed) });
        await this.say(removedLines(removed) || undefined);
        if (!this.forPrograms) await this.out(`${reference}\n`);
      } catch (error) {
        await this.report(error);
      }
    }
    if (this.forPrograms) await this.print({ items: gone, columns: [], name: ({ name }) => name });
  }
}
