import { namesArg } from '../cli/command/flags.ts';
import { globalFlagsWithF } from '../cli/command/global-flags.ts';
import { looksLikeImage } from '../cli/docker/run-line.ts';
import { inspectListing } from '../cli/output/inspect-view.ts';
import type { OutputFormat } from '../cli/output/output.ts';
import { FsbError } from '../core/model/failure/errors.ts';
import type { SandboxRef } from '../core/model/sandbox/sandbox.ts';
import Get from './get.ts';

export default class Inspect extends Get {
  static override baseFlags = globalFlagsWithF;
  static override summary = 'Show everything about sandboxes, as JSON.';
  static override description =
    'As docker has it: an array, of one, too, in which there are docker\'s names (State.Status, Config.Image) beside our own; "get" is for reading. Shows those that are there and reports the others; exits by the worst failure.';
  static override usage = 'inspect [FLAGS] NAME...';
  static override examples = [
    { description: 'Everything', command: '<%= config.bin %> inspect box' },
    { description: 'Whether it runs', command: "<%= config.bin %> inspect -f '{{.State.Running}}' box" },
  ];

  static override args = { name: namesArg };

  protected override get format(): OutputFormat {
    return this.formatGiven ? super.format : 'json';
  }

  protected override ref(name: string): SandboxRef {
    if (!looksLikeImage(name)) return super.ref(name);
    throw new FsbError('invalid_argument', `invalid sandbox name ${JSON.stringify(name)}`, {
      hint: `Of an image: fsb-ctl image inspect ${name}`,
    });
  }

  override async run(): Promise<undefined> {
    const { args } = await this.parse(Inspect);
    const found = await this.find(args.name);
    if (found.length > 0 || this.forPrograms) await this.print(inspectListing(found, this.world.clock.now()));
  }
}
