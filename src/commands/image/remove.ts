import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { imagesArg } from '../../cli/command/flags.ts';
import { withoutOwnName } from '../../cli/command/other-guess.ts';
import { departureLine, removedLines } from '../../cli/output/listings/image-view.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { type RemovedView, removedView } from '../../core/view/image-view.ts';

export default class ImageRemove extends BaseCommand {
  static override summary = 'Remove images.';
  static override description =
    'Takes the name off, and removes the image with its last one; by digest, when it has one name at most. An image that a sandbox uses or a pool keeps warm stays; with -f it loses its names and goes when nothing uses it any more. Prints what it took off and removed, as docker does, with -q the words that it was given; exits by the worst failure.';
  static override examples = [
    { description: 'By name', command: '<%= config.bin %> image remove alpine' },
    { description: 'Two at once', command: '<%= config.bin %> image remove alpine tools:1' },
    {
      description: 'With all of its names, even when a sandbox uses it',
      command: '<%= config.bin %> image remove --force alpine',
    },
  ];
  static override args = {
    reference: imagesArg,
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
    const namesOnly = this.quiet || this.format === 'name';
    const gone: ({ name: string } & RemovedView)[] = [];
    const named = new Set(args.reference);
    for (const reference of named) {
      try {
        const removed = await core.images.remove(reference, { ...this.call, force: flags.force });
        gone.push({ name: reference, ...removedView(removed) });
        if (this.forPrograms) continue;
        const lines = namesOnly ? [reference] : removedLines(removed);
        await this.out(lines.map((line) => `${line}\n`).join(''));
        if (!namesOnly) await this.say(departureLine(removed));
      } catch (error) {
        await this.report(withoutOwnName(FsbError.from(error), named, this.id));
      }
    }
    if (this.forPrograms) await this.print({ items: gone, columns: [], name: ({ name }) => name });
  }
}
