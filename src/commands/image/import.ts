import { resolve } from 'node:path';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/base-command.ts';
import { repeated } from '../../cli/flags.ts';
import { inputContent } from '../../cli/images/input-content.ts';
import { platformFlag } from '../../cli/images/pull-flags.ts';
import { imageListing } from '../../cli/output/image-view.ts';
import { FsbError } from '../../core/model/errors.ts';
import type { ImportRequest } from '../../core/model/image-requests.ts';

export default class ImageImport extends BaseCommand {
  static override summary = 'Import an image from a file.';
  static override description =
    'Takes an OCI layout directory, an OCI archive or the tar of "docker save" or "image save", on the machine of the core; or the bytes of such a file on standard input, from here. With --rootfs, the tar of a root file system becomes an image of one layer. Layers are unpacked once.';
  static override aliases = ['load', 'image:load'];
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
    const [file = '-', name] = flags.input === undefined ? [args.file, args.name] : [flags.input, args.file];
    const source = this.#source(file);
    const { rootfs, change: changes = [], platform } = flags;
    const core = await this.core();
    const request = { source, name, ...(rootfs && { rootfs: { changes, platform } }) };
    const importing = core.images.import(request, this.call);
    const images = await this.patiently(importing, `Importing ${file === '-' ? 'standard input' : file} ...`);
    await this.print(imageListing(images, this.world.clock.now(), false));
  }

  #source(file: string): ImportRequest['source'] {
    if (file !== '-') return { path: resolve(this.world.cwd, file) };
    const { stdin } = this.world.terminal;
    if (stdin.isTTY)
      throw new FsbError('invalid_argument', 'standard input is a terminal, and no image', {
        hint: 'Name a FILE, or send one: fsb-ctl image import - < FILE',
      });
    return { content: inputContent(stdin, this.interruption.signal) };
  }
}
