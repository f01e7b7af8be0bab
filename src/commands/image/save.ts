import { basename } from 'node:path';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../../cli/command/base-command.ts';
import type { FailureContext } from '../../cli/command/failure.ts';
import { imagesArg } from '../../cli/command/flags.ts';
import { globalFlagsWithoutFormat } from '../../cli/command/global-flags.ts';
import { wantsJson } from '../../cli/command/wants-json.ts';
import { counted } from '../../cli/images/counted.ts';
import { imageProgress } from '../../cli/images/image-progress.ts';
import { SAVE_WORDS } from '../../cli/images/layer-line.ts';
import { layersSize } from '../../cli/images/layers-size.ts';
import { saveToFile } from '../../cli/images/save-file.ts';
import { FsbError } from '../../core/model/failure/errors.ts';

export default class ImageSave extends BaseCommand {
  static override summary = 'Save images into a tar archive.';
  static override description =
    'Writes one archive, which is both an OCI archive and what "docker load" reads, to standard output or a file. Layers are the very bytes that came, so digests stay as they are. How far it is goes to standard error; -q leaves that out.';
  static override examples = [
    { description: 'Into a file', command: '<%= config.bin %> image save alpine --output saved.tar' },
    {
      description: 'Two of them, packed',
      command: '<%= config.bin %> image save alpine tools:1 | gzip > saved.tar.gz',
    },
  ];
  static override baseFlags = globalFlagsWithoutFormat;
  static override args = {
    reference: imagesArg,
  };
  static override flags = {
    output: Flags.string({
      char: 'o',
      summary: 'Write to this file; it appears when all is in it.',
      helpValue: 'FILE',
    }),
    // The global one excludes --output, which is another flag here.
    json: Flags.boolean({ summary: 'Report errors as JSON.', helpGroup: 'GLOBAL' }),
  };

  /** Here -o names a file, which may be called json. */
  protected override get failureContext(): FailureContext {
    return {
      ...super.failureContext,
      json: wantsJson(
        this.argv.filter((word) => word === '--json' || word === '--'),
        {},
      ),
    };
  }

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(ImageSave);
    const { stdout } = this.world.terminal;
    if (flags.output === undefined && stdout.isTTY)
      throw new FsbError('invalid_argument', 'an archive is nothing for a terminal', {
        hint: 'Name a file with --output, or redirect standard output.',
      });
    const core = await this.core();
    const references = [...new Set(args.reference)];
    const progress = imageProgress(this.world, { silent: this.silent, words: SAVE_WORDS });
    try {
      const total = this.silent ? 0 : await layersSize(core, references, this.call);
      const saved = core.images.save(references, this.call);
      const content = counted(
        saved,
        { id: basename(flags.output ?? 'standard output'), total, last: 'done' },
        progress,
      );
      if (flags.output !== undefined) await saveToFile(flags.output, this.world.cwd, content);
      else for await (const chunk of content) await this.out(chunk);
    } finally {
      await progress.close();
    }
  }
}
