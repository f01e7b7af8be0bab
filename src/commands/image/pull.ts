import { Args } from '@oclif/core';
import { platformFlag } from '../../cli/images/pull-flags.ts';
import { PullingCommand } from '../../cli/images/pulling-command.ts';
import { pulledListing } from '../../cli/output/listings/image-view.ts';
import { FsbError } from '../../core/model/failure/errors.ts';

export default class ImagePull extends PullingCommand {
  static override summary = 'Pull an image from its registry.';
  static override description =
    'Prints the whole reference when the image is here; how far it is goes to standard error, and -q and formats for programs leave that out. Credentials are those of "login", or of docker. A pull that was interrupted goes on where it stopped.';
  static override examples = [
    { description: 'From Docker Hub', command: '<%= config.bin %> image pull alpine:3.20' },
    {
      description: 'From a registry of your own',
      command: '<%= config.bin %> image pull localhost:5000/tools:1',
    },
    {
      description: 'For another kind of machine, with the digest for a script',
      command: '<%= config.bin %> image pull --platform linux/arm64 localhost:5000/tools:1 -o json',
    },
  ];
  static override args = {
    reference: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'Image, like alpine, registry.example.com/team/tool:1 or alpine@sha256:...',
    }),
  };
  static override flags = {
    platform: platformFlag({
      summary: "Platform that it was built for, linux/arm64 for example. Default: the machine's own.",
    }),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(ImagePull);
    if (/^sha256:[0-9a-f]+$/.test(args.reference))
      throw new FsbError(
        'invalid_argument',
        `cannot pull ${args.reference}: a digest alone names no registry`,
        {
          hint: 'Name what it is a digest of: alpine@sha256:...',
        },
      );
    const core = await this.core();
    const pulled = await this.puller(core).pull(args.reference, flags.platform);
    await this.print(pulledListing(pulled));
  }
}
