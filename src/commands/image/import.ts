import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import { repeated } from '../../cli/command/flags.ts';
import { imageProgress } from '../../cli/images/image-progress.ts';
import { importSource, STDIN } from '../../cli/images/import-source.ts';
import { IMPORT_WORDS } from '../../cli/images/layer-line.ts';
import { platformFlag } from '../../cli/images/pull-flags.ts';
import { importedListing } from '../../cli/output/listings/image-listing.ts';
import { loadedLines, namelessHint } from '../../cli/output/listings/image-view.ts';
import { FsbError } from '../../core/model/failure/errors.ts';

export default class ImageImport extends BaseCommand {
  static override summary = 'Import an image from a file.';
  static override description =
    'Takes an OCI layout directory, an OCI archive or the tar of "docker save" or "image save", on the machine of the core; or the bytes of such a file on standard input, from here. With --rootfs, the tar of a root file system becomes an image of one layer. Layers are unpacked once. An image without a name is known by its digest. Prints what was loaded in the words of docker, with -o wide a table; how far it is goes to standard error. -q leaves that out, and prints digests.';
  static override examples = [
    {
      description: 'What docker saved, under its own name',
      command: '<%= config.bin %> image import alpine.tar',
    },
    {
      description: 'An OCI layout, under a name of your choice',
      command: '<%= config.bin %> image import ./layout tools:1',
    },
    { description: 'From a pipe', command: '<%= config.bin %> image import - < alpine.tar' },
    {
      description: 'A plain root file system',
      command: `<%= config.bin %> image import --rootfs rootfs.tar mine:1 -c 'CMD ["sh"]' -c 'ENV A=1'`,
    },
  ];
  static override args = {
    file: Args.string({
      ignoreStdin: true,
      description: 'Directory or archive; - or nothing: standard input.',
    }),
    name: Args.string({
      ignoreStdin: true,
      description: 'Name for the image, instead of the one inside the file.',
    }),
  };
  static override flags = {
    input: Flags.string({
      char: 'i',
      summary: 'The same as FILE, as "docker load" has it; the first word is NAME then.',
      helpValue: 'FILE',
    }),
    name: Flags.string({ summary: 'The same as NAME.', helpValue: 'NAME' }),
    rootfs: Flags.boolean({ summary: 'The file is a plain tar of a root file system.' }),
    change: Flags.string({
      ...repeated,
      char: 'c',
      summary: "Instruction of a Dockerfile for the image's configuration; with --rootfs.",
      helpValue: 'INSTRUCTION',
      dependsOn: ['rootfs'],
    }),
    platform: platformFlag({
      summary: "Platform of a root file system; with --rootfs. Default: the machine's own.",
      dependsOn: ['rootfs'],
    }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(ImageImport);
    if (flags.input !== undefined && args.name !== undefined)
      throw new FsbError('invalid_argument', `unexpected argument ${JSON.stringify(args.name)}`, {
        hint: 'With --input there is NAME only.',
      });
    const [file = '-', word] = flags.input === undefined ? [args.file, args.name] : [flags.input, args.file];
    if (flags.name !== undefined && word !== undefined)
      throw new FsbError('invalid_argument', `unexpected argument ${JSON.stringify(word)}`, {
        hint: 'With --name the image has its name.',
      });
    const { rootfs, change: changes = [], platform, name = word } = flags;
    const progress = imageProgress(this.world, { silent: this.silent, words: IMPORT_WORDS });
    try {
      const source = importSource(file, this.world, this.interruption.signal, progress);
      const core = await this.core();
      await progress.on({ kind: 'note', message: `Importing ${file === '-' ? `from ${STDIN}` : file}` });
      const images = await core.images.import(
        { source, name, ...(rootfs && { rootfs: { changes, platform } }) },
        { ...this.call, onLayer: (layer) => void progress.on({ kind: 'layer', layer }) },
      );
      await progress.close();
      const asDocker = this.format === 'table' && !this.quiet;
      if (asDocker) await this.out(`${images.flatMap(loadedLines).join('\n')}\n`);
      else await this.print(importedListing(images, this.world.clock.now()));
      for (const image of images) await this.say(namelessHint(image));
    } finally {
      await progress.close();
    }
  }
}
