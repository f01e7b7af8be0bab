import type { Config } from '@oclif/core';
import { tryWrite } from '../streams.ts';
import type { World } from '../world.ts';
import { type Completion, formatCompletion, startingWith } from './candidate.ts';
import { flagsOf, nextWords } from './command-words.ts';
import { readLine } from './position.ts';
import { splitLine } from './split-line.ts';
import { argumentValues, flagValues } from './values.ts';

/**
 * What the scripts of the shells call: `__complete -- WORD...` or `__complete --line LINE`, the last word being the one
 * at the cursor. Starts no core, and says nothing of failures: whoever presses a key has no use for them.
 */
export async function printCompletion(argv: string[], config: Config, world: World): Promise<number> {
  // Without the program's own name.
  const words = argv[0] === '--line' ? splitLine(argv[1] ?? '').slice(1) : argv.slice(1);
  const current = words.pop() ?? '';
  const nothing: Completion = { candidates: [] };
  const { candidates, files } = await completionOf(words, current, config, world).catch(() => nothing);
  const completion = { candidates: startingWith(current, candidates), files };
  await tryWrite(world.terminal.stdout, formatCompletion(completion));
  return 0;
}

async function completionOf(
  words: string[],
  current: string,
  config: Config,
  world: World,
): Promise<Completion> {
  const line = readLine(words, current, config);
  const { position } = line;
  switch (position.at) {
    case 'command':
      return { candidates: nextWords(position.words, config) };
    case 'flag':
      return { candidates: flagsOf(line, current) };
    case 'value':
      return flagValues(line, position, world);
    case 'argument':
      return argumentValues(line, position.index, current, world);
    case 'guest':
      return { candidates: [] };
  }
}
