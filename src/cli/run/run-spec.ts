import { FsbError } from '../../core/model/failure/errors.ts';
import { HOST_IMAGE } from '../../core/model/image/reference.ts';
import type { SandboxRef } from '../../core/model/sandbox/sandbox.ts';
import type { SandboxSpecInput } from '../../core/model/sandbox/spec.ts';
import type { Interruption } from '../command/interruption.ts';
import type { Settings } from '../config/settings.ts';
import { imageAmongWords } from '../docker/run-line.ts';
import { editSpec } from '../spec/edit-spec.ts';
import { readEnvFlags } from '../spec/env-flags.ts';
import { inputName, readInput } from '../spec/read-input.ts';
import type { RunFlags } from '../spec/run-flags.ts';
import { runArities } from '../spec/run-flags.ts';
import { mergeSpecs, specFromFlags } from '../spec/spec-from-flags.ts';
import { checkSpec, parseSpecText } from '../spec/yaml-spec.ts';
import type { Asking } from '../terminal/prompts.ts';
import { isInteractive, type World } from '../terminal/world.ts';

export interface SpecSource {
  ref: SandboxRef;
  flags: RunFlags;
  words: string[];
  /** For the pool where neither flags nor text name one, and for the editor. */
  settings: Pick<Settings, 'fromFiles'>;
  /** @throws already_exists; before the user is asked to write a text */
  assertNameFree: () => Promise<void>;
  /** The line as it was typed, for a hint. */
  argv: string[];
  asking: Asking;
}

/**
 * Where the spec of a new sandbox comes from: the flags alone, a file, or the editor; flags win over a file and stand in what
 * is edited.
 * @param make is given another one when it refuses what was edited, and the user has mended that. @returns what it made
 */
export async function withSpec<T>(
  { ref, flags, words, settings, argv, asking, assertNameFree }: SpecSource,
  world: World,
  interruption: Interruption,
  make: (spec: SandboxSpecInput) => Promise<T>,
): Promise<T> {
  const create = (spec: SandboxSpecInput): Promise<T> => {
    const pool = settings.fromFiles('pool');
    return make(pool === undefined || spec.pool_ref !== undefined ? spec : { ...spec, pool_ref: pool });
  };
  const envs = await readEnvFlags(flags, world, interruption.signal);
  const over = specFromFlags(flags, envs, words, world.cwd);
  if (flags.file !== undefined) {
    const text = await parseSpecText(
      await readInput(flags.file, world, interruption.signal),
      inputName(flags.file),
    );
    return create(await checkSpec(mergeSpecs(text.value, over), text));
  }
  // Flags were parsed one by one, and the core checks the whole: loading the schema here would cost more than the call.
  if (flags.image !== undefined) return create(mergeSpecs({}, over) as unknown as SandboxSpecInput);
  const meant = imageAmongWords(argv, runArities);
  // With `run box` an editor is wanted; with `run host sh` nobody wants one for a sandbox of that name.
  const isDockers = words.length > 0 || flags.rm;
  const isImage = isDockers && ref.name === HOST_IMAGE;
  if (isInteractive(world.terminal) && !isImage) {
    // With a key the same call may come again.
    if (flags['idempotency-key'] === undefined) await assertNameFree();
    const request = {
      ...{ ref, flags: over, editor: settings.fromFiles('editor'), note: isDockers ? meant : undefined },
      ...{ yes: flags.yes, asking, interruption },
    };
    return editSpec(request, world, create);
  }
  throw new FsbError('invalid_argument', `cannot create sandbox ${ref.name}: no image was given`, {
    hint: `Give --image (for example --image host) or --file.${meant === undefined ? '' : ` ${meant}`}`,
  });
}
