import { Flags } from '@oclif/core';
import { namesArg } from '../cli/command/flags.ts';
import { InspectCommand } from '../cli/command/inspect-command.ts';
import { sandboxOrImage } from '../cli/docker/sandbox-or-image.ts';
import { inspectedListing } from '../cli/output/listings/inspect-view.ts';

export default class Inspect extends InspectCommand {
  static override summary = 'Show everything about sandboxes, or images, as JSON.';
  static override description =
    'As docker has it: an array, of one, too, in which there are docker\'s names (State.Status, Config.Image) beside our own; "get" is for reading. A name that no sandbox has is that of an image, which is shown as by "image inspect"; --type says which of the two is meant. Shows those that are there and reports the others; exits by the worst failure.';
  static override usage = 'inspect [FLAGS] NAME...';
  static override examples = [
    { description: 'Everything', command: '<%= config.bin %> inspect box' },
    { description: 'Whether it runs', command: "<%= config.bin %> inspect -f '{{.State.Running}}' box" },
    { description: 'An image', command: '<%= config.bin %> inspect --type image alpine' },
  ];

  static override args = { name: namesArg };
  static override flags = {
    type: Flags.option({
      summary: "What it is; container is docker's word for a sandbox. Default: a sandbox, else an image.",
      options: ['sandbox', 'container', 'image'] as const,
      helpValue: 'KIND',
    })(),
  };

  override async run(): Promise<undefined> {
    const { args, flags } = await this.parse(Inspect);
    const kind = flags.type === 'container' ? 'sandbox' : flags.type;
    const core = await this.core();
    const ground = { core, refOf: (name: string) => this.ref(name), call: this.call };
    const found = await this.forAll([...new Set(args.name)], (name) => sandboxOrImage(name, kind, ground));
    if (found.length > 0 || this.forPrograms)
      await this.print(inspectedListing(found, this.world.clock.now()));
  }
}
