/** As much of a flag's definition as tells how many words it takes. */
export interface FlagArity {
  type: 'boolean' | 'option';
  char?: string;
  aliases?: string[];
  charAliases?: string[];
  allowNo?: boolean;
}

export type FlagArities = Record<string, FlagArity>;

/** The commands that run one in a guest, and which positional of theirs it starts with. */
export const guestCommandAt: ReadonlyMap<string, number> = new Map([
  ['run', 2],
  ['exec', 2],
  ['pool:run', 1],
  ['pool:exec', 2],
]);

/**
 * Puts `--` before the first word of the guest's command, so that nothing after it is taken for a flag of ours:
 * `box -i ls --help` becomes `box -i -- ls --help`. The guest's command starts with the positional number `start`,
 * from 1. Unchanged when there are not so many or the user wrote `--` himself.
 */
export function separateGuestArguments(argv: string[], flags: FlagArities, start: number): string[] {
  const at = positionalsOf(argv, flags).at[start - 1];
  return at === undefined ? argv : [...argv.slice(0, at), '--', ...argv.slice(at)];
}

/**
 * The first of the command's own words that is missing in front of a `--`, counted from 0: without this, `run -- ls`
 * would be a sandbox named ls. Undefined when nothing is missing, or no `--` says where the guest's command starts.
 */
export function missingBefore(argv: string[], flags: FlagArities, start: number): number | undefined {
  const { at, separated } = positionalsOf(argv, flags);
  return separated && at.length < start - 1 ? at.length : undefined;
}

/** The first word that is no flag and belongs to none, up to a `--`. */
export const firstWord = (argv: string[], flags: FlagArities): string | undefined =>
  argv[positionalsOf(argv, flags).at[0] ?? argv.length];

/** Where the positionals stand, up to a `--` that the user wrote. */
function positionalsOf(argv: string[], flags: FlagArities): { at: number[]; separated: boolean } {
  const at: number[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') return { at, separated: true };
    if (!word.startsWith('-') || word === '-') at.push(i);
    else if (takesNextWord(word, flags)) i += 1;
  }
  return { at, separated: false };
}

/**
 * `-n team list -a`: the flags that stand before the command, and the rest. The former by their long names: a command
 * may have the letter for a flag of its own (`-n` of `logs`), which the user cannot have meant there.
 */
export function splitLeadingFlags(argv: string[], flags: FlagArities): { leading: string[]; rest: string[] } {
  const leading: string[] = [];
  let i = 0;
  while (i < argv.length && argv[i]!.startsWith('-') && isKnown(argv[i]!, flags)) {
    leading.push(...longForm(argv[i]!, flags));
    i += 1;
    if (takesNextWord(argv[i - 1]!, flags) && i < argv.length) leading.push(argv[i++]!);
  }
  return { leading, rest: argv.slice(i) };
}

/** `-qn=x` is `--quiet --namespace x`; unchanged where a letter is not known. */
export function longForm(word: string, flags: FlagArities): string[] {
  if (word.startsWith('--')) return [word];
  const words: string[] = [];
  for (let i = 1; i < word.length; i++) {
    const name = Object.keys(flags).find((key) => flags[key] === findShort(word[i]!, flags));
    if (name === undefined) return [word];
    words.push(`--${name}`);
    if (flags[name]!.type === 'boolean') continue;
    const value = word.slice(word[i + 1] === '=' ? i + 2 : i + 1);
    return i + 1 === word.length ? words : [...words, value];
  }
  return words;
}

/**
 * oclif takes the value of `--sort-by -name` for a flag of its own, also with an equals sign; with a blank before it,
 * it does not.
 */
export function withDashedValue(argv: string[], flag: string): string[] {
  return argv.flatMap((word, at) => {
    if (word.startsWith(`${flag}=-`)) return [flag, ` ${word.slice(flag.length + 1)}`];
    return argv[at - 1] === flag && /^-[^-]/.test(word) ? [` ${word}`] : [word];
  });
}

/** True for `--env` and the `-e` that ends `-ite`; false for `--env=K=V` and `-eK=V`, which carry their value. */
export function takesNextWord(word: string, flags: FlagArities): boolean {
  if (word.startsWith('--')) return findLong(word.slice(2), flags)?.type === 'option';
  for (let i = 1; i < word.length; i++) {
    const flag = findShort(word[i]!, flags);
    if (flag === undefined) return false;
    if (flag.type === 'option') return i === word.length - 1;
  }
  return false;
}

function isKnown(word: string, flags: FlagArities): boolean {
  if (word.startsWith('--'))
    return word !== '--' && findLong(word.slice(2).split('=')[0]!, flags) !== undefined;
  return word.length > 1 && findShort(word[1]!, flags) !== undefined;
}

export function findLong(name: string, flags: FlagArities): FlagArity | undefined {
  if (Object.hasOwn(flags, name)) return flags[name];
  return Object.values(flags).find((flag) => flag.aliases?.includes(name));
}

export function findShort(char: string, flags: FlagArities): FlagArity | undefined {
  return Object.values(flags).find((flag) => flag.char === char || flag.charAliases?.includes(char));
}
