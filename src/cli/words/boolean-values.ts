import { FsbError } from '../../core/model/failure/errors.ts';
import { type FlagArities, type FlagArity, findLong, findShort, takesNextWord } from './pass-through.ts';

/**
 * `--rm=true`, `-d=false` and, where there is a --no-sig-proxy, `--sig-proxy=false`, as docker has them: without a value, as
 * the parser knows them. It would take the value for a word of its own, and `run --rm=true` for a sandbox named true.
 * @throws invalid_argument for a value that is neither true nor false
 */
export function withoutBooleanValues(argv: string[], flags: FlagArities): string[] {
  const words: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at]!;
    if (word === '--') return [...words, ...argv.slice(at)];
    words.push(...(word.startsWith('--') ? longWithout(word, flags) : shortWithout(word, flags)));
    if (takesNextWord(word, flags) && at + 1 < argv.length) words.push(argv[++at]!);
  }
  return words;
}

function longWithout(word: string, flags: FlagArities): string[] {
  const [, name = '', value] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  const flag = findLong(name, flags);
  if (flag === undefined) {
    if (!isBoolean(findLong(`no-${name}`, flags))) return [word];
    return isTrue(`--${name}`, value) ? [] : [`--no-${name}`];
  }
  if (value === undefined || !isBoolean(flag)) return [word];
  if (isTrue(`--${name}`, value)) return [`--${name}`];
  return flag.allowNo ? [`--no-${name}`] : [];
}

function shortWithout(word: string, flags: FlagArities): string[] {
  const [, letters = '', last = '', value] = /^(-[a-zA-Z]*)([a-zA-Z])=(.*)$/s.exec(word) ?? [];
  if (value === undefined || ![...letters.slice(1), last].every((char) => isBoolean(findShort(char, flags))))
    return [word];
  if (isTrue(`-${last}`, value)) return [letters + last];
  return letters === '-' ? [] : [letters];
}

const isBoolean = (flag: FlagArity | undefined): boolean => flag?.type === 'boolean';

function isTrue(flag: string, value = 'true'): boolean {
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new FsbError('invalid_argument', `${flag}: ${JSON.stringify(value)} is neither true nor false`, {
    hint: `Write ${flag}, or ${flag}=false.`,
  });
}
