import { FsbError } from '../../core/model/failure/errors.ts';
import { isName } from '../../core/model/ids.ts';
import { parseReference } from '../../core/model/image/reference.ts';
import { shellWords } from '../output/shell-words.ts';
import { type FlagArities, longForm, takesNextWord } from '../program/pass-through.ts';

/** The words of a `run` as they were typed, whoever's order they have. */
interface RunLine {
  /** Of --name, which is docker's. */
  name?: string;
  /** Every other flag, with its value. */
  flags: string[];
  /** What is no flag, and what comes after `--`. */
  words: string[];
  /** How many of the words stand before `--`. */
  before: number;
}

/**
 * Refuses what only docker's order of words makes sense of, and says how it is typed here: `run --name box IMAGE`,
 * `run registry/image:tag`.
 * @throws invalid_argument
 */
export function assertOurOrder(argv: string[], arities: FlagArities): void {
  const line = readRunLine(argv, arities);
  const [first, ...rest] = line.words;
  if (line.name !== undefined) {
    const typed = namesImage(line, arities)
      ? ourLine(line.name, line.flags, undefined, line.words.slice(line.before))
      : ourLine(line.name, line.flags, first ?? 'IMAGE', rest);
    throw new FsbError('invalid_argument', 'unknown flag --name', {
      hint: `The name is the first word: ${typed}`,
    });
  }
  if (first === undefined || isName(first) || !looksLikeImage(first) || namesImage(line, arities)) return;
  throw new FsbError('invalid_argument', `invalid sandbox name ${JSON.stringify(first)}`, {
    hint: `If it is the image, a name comes first: ${ourLine('NAME', line.flags, first, rest)}`,
  });
}

/** Which word of a line without --image is the image, if docker's hand typed it; undefined where there is one word only. */
export function imageAmongWords(argv: string[], arities: FlagArities): string | undefined {
  const { flags, words } = readRunLine(argv, arities);
  const [first, second, ...rest] = words;
  if (first === undefined || second === undefined) return undefined;
  return looksLikeImage(second)
    ? `If ${second} is the image: ${ourLine(first, flags, second, rest)}`
    : `If ${first} is the image: ${ourLine('NAME', flags, first, [second, ...rest])}`;
}

function readRunLine(argv: string[], arities: FlagArities): RunLine {
  const known: FlagArities = { ...arities, name: { type: 'option' } };
  const line: RunLine = { flags: [], words: [], before: 0 };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--')
      return { ...line, before: line.words.length, words: [...line.words, ...argv.slice(i + 1)] };
    const value = takesNextWord(word, known) ? argv.slice(i + 1, i + 2) : [];
    i += value.length;
    // A flag that there is not has no value: its own was taken for the first word of the command.
    if (word === '--name' && value[0] === '--') value[0] = argv[++i] ?? 'NAME';
    if (!word.startsWith('-') || word === '-') line.words.push(word);
    else if (/^--name(=|$)/.test(word)) line.name = value[0] ?? word.slice('--name='.length);
    else line.flags.push(word, ...value);
  }
  return { ...line, before: line.words.length };
}

const namesImage = ({ flags }: RunLine, arities: FlagArities): boolean =>
  flags.some((word) => word.startsWith('-') && longForm(word, arities).some(isImageFlag));

const isImageFlag = (word: string): boolean => /^--(image|file)(=|$)/.test(word);

/** More than a bare name, which a sandbox may have as well. */
function looksLikeImage(word: string): boolean {
  if (!/[:/@]/.test(word)) return false;
  try {
    parseReference(word.replace(/@.*$/, ''));
    return true;
  } catch {
    return false;
  }
}

function ourLine(name: string, flags: string[], image: string | undefined, command: string[]): string {
  const words = [name, ...flags, ...(image === undefined ? [] : ['--image', image])];
  return `fsb-ctl run ${shellWords([...words, ...(command.length === 0 ? [] : ['--', ...command])])}`;
}
