import type { Command, Config } from '@oclif/core';
import { type CommandTable, type FoundCommand, findCommand } from '../command/command-table.ts';
import { globalFlags } from '../command/global-flags.ts';
import {
  type FlagArities,
  guestCommandAt,
  longForm,
  separateGuestArguments,
  splitLeadingFlags,
  takesNextWord,
} from '../words/pass-through.ts';

/** What the word at the cursor is to become. */
export type Position =
  /** One more word of a command, behind those. */
  | { at: 'command'; words: string[] }
  | { at: 'flag' }
  /** `prefix` is what of the word stands before the value: `--output=`. */
  | { at: 'value'; flag: string; prefix: string }
  /** A positional, counted from 0. */
  | { at: 'argument'; index: number }
  /** Part of the command that is to run in a sandbox: ours no more. */
  | { at: 'guest' };

export interface Line {
  found?: FoundCommand & { command: Command.Loadable };
  position: Position;
  /** The values of the flags so far, by their long names; of one without a value `true`. */
  flags: Map<string, string[]>;
  /** The positionals so far. */
  args: string[];
}

/** What commands there are. */
export interface Known {
  config: Config;
  commands: CommandTable;
}

/** @param words those before the cursor, without the program's own name. @param current the one at the cursor */
export function readLine(words: string[], current: string, known: Known): Line {
  const { leading, rest } = splitLeadingFlags(words, globalFlags as FlagArities);
  const found = foundIn(rest, known);
  const flags = (found?.command.flags ?? globalFlags) as FlagArities;
  const guest = found && guestCommandAt.get(found.id);
  const own = guest ? separateGuestArguments(found.argv, flags, guest) : (found?.argv ?? []);
  const walked = walk([...leading, ...own], flags);
  return {
    found,
    flags: walked.flags,
    args: walked.args,
    position: positionOf(walked, found, rest, current, flags),
  };
}

function foundIn(words: string[], { config, commands }: Known): Line['found'] {
  const found = findCommand(words, commands);
  return found && { ...found, command: config.findCommand(found.id, { must: true }) };
}

interface Walked extends Pick<Line, 'flags' | 'args'> {
  /** The flag that the next word is the value of. */
  open?: string;
  /** `--` was there. */
  raw: boolean;
}

function walk(argv: string[], arities: FlagArities): Walked {
  const walked: Walked = { flags: new Map(), args: [], raw: false };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (walked.raw || !word.startsWith('-') || word === '-') walked.args.push(word);
    else if (word === '--') walked.raw = true;
    else {
      const [name, value] = lastFlag(word, arities, walked.flags);
      if (!takesNextWord(word, arities)) keep(walked.flags, name, value);
      else if (i + 1 < argv.length) keep(walked.flags, name, argv[++i]!);
      else walked.open = name;
    }
  }
  return walked;
}

/** `-itw/tmp`: `i` and `t` are kept, `['workdir', '/tmp']` is the rest. */
function lastFlag(word: string, arities: FlagArities, flags: Line['flags']): [name: string, value: string] {
  const long = longForm(word, arities);
  const value = long.length > 1 && !long.at(-1)!.startsWith('--') ? long.pop() : undefined;
  const [name, inline] = splitValue(long.pop()!);
  for (const each of long) keep(flags, each.slice(2), 'true');
  return [nameOf(name, arities), value ?? inline ?? 'true'];
}

/** By which the flag is known, of one of its other names. */
const nameOf = (name: string, arities: FlagArities): string =>
  Object.hasOwn(arities, name)
    ? name
    : (Object.keys(arities).find((key) => arities[key]!.aliases?.includes(name)) ?? name);

const splitValue = (word: string): [name: string, value: string | undefined] => {
  const equals = word.indexOf('=');
  return equals < 0 ? [word.slice(2), undefined] : [word.slice(2, equals), word.slice(equals + 1)];
};

function keep(flags: Line['flags'], name: string, value: string): void {
  flags.set(name, [...(flags.get(name) ?? []), value]);
}

function positionOf(
  { open, raw, args }: Walked,
  found: Line['found'],
  words: string[],
  current: string,
  arities: FlagArities,
): Position {
  if (open !== undefined) return { at: 'value', flag: open, prefix: '' };
  const guest = found && guestCommandAt.get(found.id);
  if (guest !== undefined && args.length >= guest) return { at: 'guest' };
  if (!raw && current.startsWith('-')) return valueInside(current, arities) ?? { at: 'flag' };
  if (found === undefined) return { at: 'command', words };
  if (guest !== undefined && args.length === guest - 1) return { at: 'guest' };
  return { at: 'argument', index: args.length };
}

/** `--output=js`, `-ojs`. */
function valueInside(word: string, arities: FlagArities): Position | undefined {
  if (word.startsWith('--')) {
    const [flag, value] = splitValue(word);
    return value === undefined
      ? undefined
      : { at: 'value', flag: nameOf(flag, arities), prefix: `--${flag}=` };
  }
  const long = longForm(word, arities);
  const value = long.at(-1)!;
  if (long.length < 2 || value.startsWith('--')) return undefined;
  return { at: 'value', flag: long.at(-2)!.slice(2), prefix: word.slice(0, word.length - value.length) };
}
