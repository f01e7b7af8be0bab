import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { FsbError } from '../../core/model/errors.ts';
import type { SandboxRef } from '../../core/model/sandbox.ts';
import type { SandboxSpecInput } from '../../core/model/spec.ts';
import type { Interruption } from '../interruption.ts';
import { editSpec } from '../spec/edit-spec.ts';
import { parseEnvFile, parseEnvWords, parsePairs } from '../spec/env-words.ts';
import { mergeSpecs, specFromFlags } from '../spec/spec-from-flags.ts';
import { checkSpec, parseSpecText } from '../spec/yaml-spec.ts';
import { readText } from '../streams.ts';
import { isInteractive, type World } from '../world.ts';
import { type RunFlags, toSpecFlags } from './run-plan.ts';

const LARGEST_FILE = 1024 * 1024;

/** Where the spec of a new sandbox comes from: the flags alone, a file, or the editor; flags win over both. */
export async function specForRun(
  ref: SandboxRef,
  flags: RunFlags,
  words: string[],
  world: World,
  interruption: Interruption,
): Promise<SandboxSpecInput> {
  const envs = await readEnvFlags(flags, world);
  const over = specFromFlags(toSpecFlags(flags, envs, parsePairs(flags.label ?? [], 'label')), words);
  if (flags.file !== undefined) {
    const text = await parseSpecText(
      await readSpecFile(flags.file, world),
      flags.file === '-' ? 'standard input' : flags.file,
    );
    return checkSpec(mergeSpecs(text.value, over), text);
  }
  // Flags were parsed one by one, and the core checks the whole: loading the schema here would cost more than the call.
  if (flags.image !== undefined) return over as SandboxSpecInput;
  if (isInteractive(world.terminal))
    return editSpec({ ref, flags: over, yes: flags.yes, interruption }, world);
  throw new FsbError('invalid_argument', `cannot create sandbox ${ref.name}: no image was given`, {
    hint: 'Give --image (for example --image host) or --file.',
  });
}

/** --env-file in order, then --env over them. */
export async function readEnvFlags(
  flags: { env?: string[]; 'env-file'?: string[] },
  world: World,
): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const file of flags['env-file'] ?? [])
    Object.assign(env, parseEnvFile(await readFileText(file, world), file, world.env));
  return Object.assign(env, parseEnvWords(flags.env ?? [], world.env));
}

const readSpecFile = (file: string, world: World): Promise<string> =>
  file === '-' ? readText(world.terminal.stdin, LARGEST_FILE, 'standard input') : readFileText(file, world);

/** @throws invalid_argument */
async function readFileText(file: string, world: World): Promise<string> {
  try {
    return await readText(createReadStream(resolve(world.cwd, file)), LARGEST_FILE, file);
  } catch (error) {
    if (error instanceof FsbError) throw error;
    throw new FsbError(
      'invalid_argument',
      `cannot read ${file}: ${readReason(error as NodeJS.ErrnoException)}`,
      { cause: error },
    );
  }
}

const readReason = (error: NodeJS.ErrnoException): string =>
  ({ ENOENT: 'there is no such file', EACCES: 'permission denied', EISDIR: 'it is a directory' })[
    error.code ?? ''
  ] ?? error.message;
