import { type FlagArities, takesNextWord } from '../program/pass-through.ts';

/**
 * Before the flags are parsed, and when they cannot be: does the user want JSON? As `--json`, `-o json`, `-qojson`,
 * `--format=json`; what belongs to another flag or comes after `--` does not count.
 */
export function wantsJson(argv: readonly string[], flags: FlagArities): boolean {
  for (let at = 0; at < argv.length && argv[at] !== '--'; at++) {
    const word = argv[at]!;
    if (word === '--json' || formatIn(word, flags) === 'json') return true;
    if (!takesNextWord(word, flags)) continue;
    at += 1;
    if (formatIn(`${word}=${argv[at]}`, flags) === 'json') return true;
  }
  return false;
}

/** The value of -o in a word that has it. */
function formatIn(word: string, flags: FlagArities): string | undefined {
  const long = /^--(?:output|format)=(.*)$/s.exec(word);
  if (long !== null) return long[1];
  const letters = /^-[a-zA-Z]+/.exec(word)?.[0] ?? '';
  const end = [...letters].findIndex((_, at) => at > 0 && takesNextWord(letters.slice(0, at + 1), flags));
  return end > 0 && ['o', flags.format?.char].includes(letters[end])
    ? word.slice(end + 1).replace(/^=/, '')
    : undefined;
}
