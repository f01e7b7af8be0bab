import { type FlagArities, takesNextWord } from '../words/pass-through.ts';

/**
 * Before the flags are parsed, and when they cannot be: does the user want JSON? As `--json`, `-o json`, `-qojson`,
 * `--format=json`; what belongs to another flag or comes after `--` does not count.
 * @param configured where no word says a format; what it throws is no yes: a configuration may be what is wrong
 */
export function wantsJson(
  argv: readonly string[],
  flags: FlagArities,
  configured: () => boolean = () => false,
): boolean {
  const said: (string | undefined)[] = [];
  for (let at = 0; at < argv.length && argv[at] !== '--'; at++) {
    const word = argv[at]!;
    said.push(word === '--json' ? 'json' : formatIn(word, flags));
    if (takesNextWord(word, flags)) said.push(formatIn(`${word}=${argv[++at]}`, flags));
  }
  if (said.some((format) => format !== undefined)) return said.includes('json');
  try {
    return configured();
  } catch {
    return false;
  }
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
