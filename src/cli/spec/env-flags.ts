import type { World } from '../terminal/world.ts';
import { parseEnvFile, parseEnvWords } from './env-words.ts';
import { readFileText } from './read-input.ts';

/** --env-file in order, then --env over them. */
export async function readEnvFlags(
  flags: { env?: string[]; 'env-file'?: string[] },
  world: World,
  signal: AbortSignal,
): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const file of flags['env-file'] ?? [])
    Object.assign(env, parseEnvFile(await readFileText(file, world, signal), file, world.env));
  return Object.assign(env, parseEnvWords(flags.env ?? [], world.env));
}
