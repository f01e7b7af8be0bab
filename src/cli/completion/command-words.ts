import type { Command, Config } from '@oclif/core';
import { globalFlags } from '../command/global-flags.ts';
import { OF_CONTAINER } from '../docker/commands.ts';
import type { Candidate } from './candidate.ts';
import type { Line } from './position.ts';

/** What may follow the words of an unfinished command: commands, their aliases and topics. */
export function nextWords(before: string[], config: Config): Candidate[] {
  if (before[0] === 'help') return nextWords(before.slice(1), config);
  if (before.length === 1 && before[0] === 'container')
    return nextWords([], config).filter(({ value }) => OF_CONTAINER.has(value));
  const next = new Map<string, string | undefined>();
  for (const command of config.commands.filter(({ hidden }) => !hidden))
    for (const name of [command.id, ...command.aliases]) {
      const words = name.split(':');
      if (words.length <= before.length || before.some((word, i) => word !== words[i])) continue;
      const word = words[before.length]!;
      if (words.length === before.length + 1) next.set(word, command.summary);
      else if (!next.has(word)) next.set(word, topicOf(words, before.length + 1, config));
    }
  if (before.length === 0) next.set('help', 'Show the help of a command.');
  return [...next].map(([value, description]) => ({ value, description })).sort(byValue);
}

const topicOf = (words: string[], length: number, config: Config): string | undefined =>
  config.topics.find(({ name }) => name === words.slice(0, length).join(':'))?.description;

const byValue = (a: Candidate, b: Candidate): number => (a.value < b.value ? -1 : 1);

/** The flags that may still come, by their long names; by their letters, too, where a single dash was typed. */
export function flagsOf({ found, flags }: Line, current: string): Candidate[] {
  const known = Object.entries(found?.command.flags ?? (globalFlags as unknown as Command.Loadable['flags']));
  const open = known.filter(([name, flag]) => !flag.hidden && (isRepeatable(flag) || !flags.has(name)));
  const long = open.map(([name, { summary }]) => ({ value: `--${name}`, description: summary }));
  const help = { value: '--help', description: 'Show the help of the command.' };
  const short = open.flatMap(([, { char, summary }]) =>
    char === undefined ? [] : [{ value: `-${char}`, description: summary }],
  );
  return [...long, help, ...(current.startsWith('--') ? [] : short)].sort(byValue);
}

const isRepeatable = (flag: { multiple?: boolean } | object): boolean =>
  'multiple' in flag && flag.multiple === true;
