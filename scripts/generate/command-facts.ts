import type { Command } from '@oclif/core';
import { usageOf } from '../../src/cli/program/usage.ts';
import type { Manifest } from '../build/manifest.ts';

/** What the man pages, the README and the tests know about a command: all of it from the command's own class. */
export interface CommandFacts {
  /** `pool status` */
  words: string;
  /** `fsb-ctl-pool-status` */
  page: string;
  summary: string;
  /** Paragraphs. */
  description: string[];
  /** `fsb-ctl run NAME [FLAGS] [--] [COMMAND] [ARG...]` */
  synopsis: string;
  aliases: string[];
  args: ArgFacts[];
  flags: FlagFacts[];
  globalFlags: FlagFacts[];
  examples: { description: string; command: string }[];
}

export interface ArgFacts {
  name: string;
  description: string;
}

export interface FlagFacts {
  char: string | undefined;
  name: string;
  /** `DURATION`, `table|wide`; empty for a switch. */
  value: string;
  /** Sentences, with default and repetition. */
  text: string;
}

const BIN = 'fsb-ctl';

export function commandFacts(manifest: Manifest): CommandFacts[] {
  return Object.values(manifest.commands)
    .filter((command) => !command.hidden)
    .map((command) => oneCommand(command));
}

/** The man page about these words: `fsb-ctl-pool-status`. */
export const pageOf = (words: string): string => `${BIN}-${words.replaceAll(' ', '-')}`;

function oneCommand(command: Command.Cached): CommandFacts {
  const words = command.id.replaceAll(':', ' ');
  const expand = (text: string): string =>
    text.replaceAll(/<%=\s*config\.bin\s*%>/g, BIN).replaceAll(/<%=\s*command\.id\s*%>/g, words);
  const flags = Object.values(command.flags).filter((flag) => !flag.hidden);
  const byName = (a: Command.Flag.Cached, b: Command.Flag.Cached): number => (a.name < b.name ? -1 : 1);
  const factsOf = (global: boolean): FlagFacts[] =>
    flags
      .filter((flag) => (flag.helpGroup === 'GLOBAL') === global)
      .sort(byName)
      .map(oneFlag);
  return {
    words,
    page: pageOf(words),
    summary: command.summary ?? '',
    description: expand(command.description ?? '')
      .split(/\n\s*\n/)
      .filter((paragraph) => paragraph.trim() !== ''),
    synopsis: `${BIN} ${typeof command.usage === 'string' ? command.usage : usageOf(words, command.args)}`,
    aliases: command.aliases.map((alias) => alias.replaceAll(':', ' ')),
    args: Object.values(command.args).map(({ name, description }) => ({
      name: name.toUpperCase(),
      description: description ?? '',
    })),
    flags: factsOf(false),
    globalFlags: factsOf(true),
    examples: examplesOf(command).map(({ description, command: line }) => ({
      description,
      command: expand(line),
    })),
  };
}

const examplesOf = ({ examples = [] }: Command.Cached): { description: string; command: string }[] =>
  examples.map((example) =>
    typeof example === 'string'
      ? { description: '', command: example }
      : { description: example.description ?? '', command: example.command },
  );

function oneFlag(flag: Command.Flag.Cached): FlagFacts {
  const sentences = [flag.summary ?? '', flag.description ?? ''];
  if (flag.type === 'option' && flag.default !== undefined)
    sentences.push(`Default: ${String(flag.default)}.`);
  if (flag.type === 'option' && flag.multiple) sentences.push('May be given several times.');
  return {
    char: flag.char,
    name: flag.name,
    value: flag.type === 'boolean' ? '' : (flag.options?.join('|') ?? flag.helpValue?.toString() ?? 'VALUE'),
    text: sentences.filter((sentence) => sentence !== '').join(' '),
  };
}
