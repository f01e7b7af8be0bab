import { tryWrite } from '../terminal/streams.ts';
import type { World } from '../terminal/world.ts';
import { type Completion, formatCompletion, startingWith } from './candidate.ts';
import { flagsOf, nextWords } from './command-words.ts';
import { type Known, readLine } from './position.ts';
import { splitLine } from './split-line.ts';
import { argumentValues, flagValues } from './values.ts';

/**
 * What the scripts of the shells call: `__complete -- WORD...` or `__complete --line LINE`, the last word being the one
 * at the cursor. Starts no core, and says nothing of failures: whoever presses a key has no use for them.
 */
export async function printCompletion(argv: string[], known: Known, world: World): Promise<number> {
  // Without the program's own name.
  const words = argv[0] === '--line' ? splitLine(argv[1] ?? '').slice(1) : argv.slice(1);
  const current = words.pop() ?? '';
  const nothing: Completion = { candidates: [] };
  const { candidates, files } = await completionOf(words, current, known, world).catch(() => nothing);
  const completion = { candidates: startingWith(current, candidates), files };
  await tryWrite(world.terminal.stdout, formatCompletion(completion));
  return 0;
}

async function completionOf(
  words: string[],
  current: string,
  known: Known,
  world: World,
): Promise<Completion> {
  const line = readLine(words, current, known);
  const { position } = line;
  switch (position.at) {
    case 'command':
      return { candidates: nextWords(position.words, known.config) };
    case 'flag':
      return { candidates: flagsOf(line, current) };
    case 'value':
      return flagValues(line, position, current, world);
    case 'argument':
      return argumentValues(line, position.index, current, world);
    case 'guest':
      return { candidates: [] };
  }
}
