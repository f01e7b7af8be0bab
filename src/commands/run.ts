import { Args } from '@oclif/core';
import { nameArg } from '../cli/command/flags.ts';
import { assertOurOrder } from '../cli/docker/run-line.ts';
import { withImage } from '../cli/images/pull-missing.ts';
import { PullingCommand } from '../cli/images/pulling-command.ts';
import { createdListing } from '../cli/output/listings/sandbox-listing.ts';
import { waiting } from '../cli/pool/waiting-line.ts';
import { attachToRun, settleFailedStart } from '../cli/run/attached-run.ts';
import { withIdFile } from '../cli/run/id-file.ts';
import { assertNameFree } from '../cli/run/name-in-use.ts';
import { assertRunFlags, attaches } from '../cli/run/run-plan.ts';
import { withSpec } from '../cli/run/run-spec.ts';
import { assertInput, terminalSize } from '../cli/session/session.ts';
import type { RunFlags } from '../cli/spec/run-flags.ts';
import { runArities, runFlags } from '../cli/spec/run-flags.ts';
import { DEFAULT_POOL } from '../core/model/ids.ts';
import type { Sandbox, SandboxRef } from '../core/model/sandbox/sandbox.ts';
import type { SandboxSpecInput } from '../core/model/sandbox/spec.ts';

interface Created {
  sandbox: Sandbox;
  /** Milliseconds. */
  elapsed: number;
}

export default class Run extends PullingCommand {
  static override summary = 'Create a sandbox and start its command.';
  static override description =
    `Prints the name, id, node and endpoints of the sandbox and how long it took, and leaves it running. With --attach, -i, -t or --rm it stays, streams the output, and exits with the command's own code.

The words after NAME are the command's arguments: they replace the image's default command and keep its entrypoint, as in docker; --entrypoint replaces that one, and an empty one takes it away. An image that is not here is pulled first, with the credentials of "login"; --pull always asks its registry each time, --pull never does without. Without --image and --file, on a terminal, an editor opens on the spec, with what the line says written into it; what you leave there is what counts, but for -i and -t.`;
  static override usage = 'run NAME [FLAGS] [--] [COMMAND] [ARG...]';
  static override examples = [
    {
      description: 'Start something that runs on',
      command: '<%= config.bin %> run box --image host -- sleep 1000',
    },
    {
      description: 'Run one command, get its output and exit code, keep nothing',
      command: '<%= config.bin %> run job --rm --image host -- uname -a',
    },
    {
      description: 'A shell of your own',
      command: '<%= config.bin %> run shell --rm -it --image host -- sh',
    },
    {
      description: 'An image from its registry; the first time it is pulled',
      command: '<%= config.bin %> run box --image alpine:3.20 -- sleep 1000',
    },
    { description: 'Write the spec in your editor', command: '<%= config.bin %> run box' },
  ];
  static override args = {
    name: nameArg,
    command: Args.string({
      multiple: true,
      ignoreStdin: true,
      description: 'Command of the sandbox and its arguments.',
    }),
  };
  static override flags = runFlags;

  override async run(): Promise<number | undefined> {
    assertOurOrder(this.argv, runArities);
    const { args, flags } = await this.parse(Run);
    const ref = this.ref(args.name);
    assertRunFlags(flags);
    const { settings, argv, asking, world, interruption } = this;
    const nameFree = async () => assertNameFree((await this.core()).sandboxes, ref, this.call);
    const words = args.command ?? [];
    const source = { ref, flags, words, settings, argv, asking, assertNameFree: nameFree };
    const make = (spec: SandboxSpecInput): Promise<Created> => this.#create(ref, spec, flags);
    const { sandbox, elapsed } = await withIdFile(flags['id-file'], world, () =>
      withSpec(source, world, interruption, make),
    );
    if (attaches(flags)) {
      const { id } = sandbox;
      return attachToRun({ core: await this.core(), ref, id, flags, world, interruption });
    }
    await this.print(createdListing(sandbox, elapsed, this.untruncated));
    return undefined;
  }

  async #create(ref: SandboxRef, spec: SandboxSpecInput, flags: RunFlags): Promise<Created> {
    // What the line lacks comes first: with an image in it, it would be refused for its terminal all the same.
    assertInput(this.world.terminal, flags);
    const core = await this.core();
    const going = { autoRemove: flags.rm, detached: !attaches(flags) };
    const size = spec.tty ? terminalSize(this.world.terminal) : undefined;
    const request = { ...ref, ...going, spec, size, idempotencyKey: flags['idempotency-key'] };
    const { clock } = this.world;
    // How long a pull took says nothing about how long a sandbox takes.
    let started = 0;
    const create = (imageDigest?: string): Promise<Sandbox> => {
      started = clock.monotonic();
      const creating = core.sandboxes.create({ ...request, imageDigest }, this.call);
      return this.patiently(creating, waiting(spec.pool_ref ?? DEFAULT_POOL), true);
    };
    try {
      const sandbox = await withImage(this.puller(core), flags, () => spec.image, create);
      return { sandbox, elapsed: clock.monotonic() - started };
    } catch (error) {
      throw await settleFailedStart({ core, ref }, error, flags);
    }
  }
}
