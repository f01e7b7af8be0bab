import { FsbError } from '../../core/model/failure/errors.ts';
import { isName } from '../../core/model/ids.ts';
import { parseReference } from '../../core/model/image/reference.ts';
import { shellWords } from '../../core/model/shell-words.ts';
import { type FlagArities, longForm, takesNextWord } from '../words/pass-through.ts';
import { dockerRunFlags } from './foreign-run-flags.ts';

/** The words of a `run` as they were typed, whoever's order they have. */
interface RunLine {
  /** Of --name, which is docker's. */
  name?: string;
  /** Every other flag, with its value. */
  flags: string[][];
  /** What is no flag, and what comes after `--`. */
  words: string[];
  /** How many of the words stand before `--`. */
  before: number;
}

/**
 * Refuses what only docker's order of words makes sense of, and says how it is typed here: `run --name box IMAGE`,
 * `run registry/image:tag`.
 * @param arities of our own flags
 * @throws invalid_argument
 */
export function assertOurOrder(argv: string[], arities: FlagArities): void {
  const line = readRunLine(argv, arities);
  const [first, ...rest] = line.words;
  if (line.name !== undefined) {
    const hint = namesImage(line, arities)
      ? suggestion('The name is the first word', line, arities, {
          name: line.name,
          command: line.words.slice(line.before),
        })
      : suggestion('The name is the first word', line, arities, {
          ...{ name: line.name, image: first ?? 'IMAGE', command: rest, stay: '--attach' },
        });
    throw new FsbError('invalid_argument', 'unknown flag --name', { hint });
  }
  if (first === undefined || isName(first) || !looksLikeImage(first) || namesImage(line, arities)) return;
  throw new FsbError('invalid_argument', `invalid sandbox name ${JSON.stringify(first)}`, {
    hint: suggestion('If it is the image, a name comes first', line, arities, nameless(first, rest)),
  });
}

/** Which word of a line without --image is the image, if docker's hand typed it; undefined where there is none. */
export function imageAmongWords(argv: string[], arities: FlagArities): string | undefined {
  const line = readRunLine(argv, arities);
  const [first, second, ...rest] = line.words;
  if (first === undefined) return undefined;
  if (second !== undefined && looksLikeImage(second))
    return suggestion(`If ${second} is the image`, line, arities, {
      ...{ name: first, image: second, command: rest },
    });
  return suggestion(`If ${first} is the image`, line, arities, nameless(first, line.words.slice(1)));
}

function readRunLine(argv: string[], arities: FlagArities): RunLine {
  const known: FlagArities = { ...dockerRunFlags, ...arities };
  const line: RunLine = { flags: [], words: [], before: 0 };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--')
      return { ...line, before: line.words.length, words: [...line.words, ...argv.slice(i + 1)] };
    if (!word.startsWith('-') || word === '-') {
      line.words.push(word);
      continue;
    }
    if (beginsCommand(word, line, arities)) {
      // What was put before its first word that looks like one is no word of it.
      const rest = argv.slice(i);
      const end = rest.indexOf('--');
      return { ...line, before: 1, words: [...line.words, ...rest.filter((_, at) => at !== end)] };
    }
    const value = takesNextWord(word, known) ? argv.slice(i + 1, i + 2) : [];
    i += value.length;
    if (/^--name(=|$)/.test(word)) line.name = value[0] ?? (word.slice('--name='.length) || 'NAME');
    else line.flags.push([word, ...value]);
  }
  return { ...line, before: line.words.length };
}

/** Behind the image docker has no more flags; ours are believed to be flags, but with an entrypoint nothing is. */
function beginsCommand(word: string, line: RunLine, arities: FlagArities): boolean {
  const [image] = line.words;
  if (image === undefined || namesImage(line, arities) || /^--name(=|$)/.test(word)) return false;
  if (line.name === undefined && !looksLikeImage(image)) return false;
  return line.flags.some(([flag]) => /^--entrypoint(=|$)/.test(flag!)) || !isOurs(word, arities);
}

const isOurs = (word: string, arities: FlagArities): boolean => {
  const [long] = longForm(word, arities);
  const name = /^--([^=]+)/.exec(long!)?.[1];
  return name !== undefined && (Object.hasOwn(arities, name) || hasAlias(name, arities));
};

const hasAlias = (name: string, arities: FlagArities): boolean =>
  Object.values(arities).some(({ aliases }) => aliases?.includes(name));

const namesImage = ({ flags }: RunLine, arities: FlagArities): boolean =>
  flags.some(([flag]) => longForm(flag!, arities).some(isImageFlag));

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

interface OurLine {
  name: string;
  image?: string;
  command: string[];
  /** What has it stay with the command, as docker does without -d. */
  stay?: '--attach' | '--rm';
}

const nameless = (image: string, command: string[]): OurLine => ({
  ...{ name: 'NAME', image, command, stay: '--rm' },
});

/** Characters of a flag with its value: more is no help, and often a secret. */
const LONGEST = 60;

/** What stands for a flag in a line to copy: run as it is, it would begin the command, and so leave it without an image. */
const LEFT_OUT = '...';

const isLong = (words: string[], arities: FlagArities): boolean =>
  shellWords(words).length > LONGEST && !longForm(words[0]!, arities).some(isImageFlag);

function shortWords(words: string[]): string {
  const text = shellWords(words);
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}

/** `WHY: fsb-ctl run ...`, without what would be refused: it is said which flags those are. */
function suggestion(why: string, { flags }: RunLine, arities: FlagArities, line: OurLine): string {
  const out = flags.filter((words) => isRefused(words, arities));
  const kept = flags.filter((words) => !out.includes(words));
  const without =
    out.length === 0 ? '' : `; without what there is not here (${out.map(shortWords).join(', ')})`;
  const short = kept.flatMap((words) => (isLong(words, arities) ? [LEFT_OUT] : words));
  const long = short.includes(LEFT_OUT) ? `; with your own flag for each ${LEFT_OUT}` : '';
  const stays = kept.some(([flag]) => longForm(flag!, arities).some((word) => STAYS_OR_GOES.test(word)));
  const words = [
    line.name,
    ...(line.stay === undefined || stays ? [] : [line.stay]),
    ...short,
    ...(line.image === undefined ? [] : ['--image', line.image]),
    ...(line.command.length === 0 ? [] : ['--', ...line.command]),
  ];
  return `${why}${without}${long}: fsb-ctl run ${shellWords(words)}`;
}

const STAYS_OR_GOES = /^--(attach|detach|interactive|tty|rm)$/;

/** Flags that are docker's alone, and values that only docker's have: a published port, a named volume, a network. */
function isRefused([flag, ...value]: string[], arities: FlagArities): boolean {
  if (!isOurs(flag!, arities) && isOurs(flag!, dockerRunFlags)) return true;
  const text = [...longForm(flag!, arities), ...value].join('=');
  return /^--(port|expose)=.*[:/]|^--volume=(?![/.~])|^--net(work)?=(?!none$|host$)/.test(text);
}
