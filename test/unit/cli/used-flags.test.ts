import type { Config } from '@oclif/core';
import { expect, it } from 'vitest';
import { makeManifest } from '../../../scripts/build/manifest.ts';
import { commandFacts } from '../../../scripts/generate/command-facts.ts';
import { type Known, readLine } from '../../../src/cli/completion/position.ts';
import { splitLine } from '../../../src/cli/completion/split-line.ts';
import { COMMANDS } from '../../../src/commands/index.ts';
import { daemonLines, eventLines, tableLines } from '../../helpers/cli/table-lines.ts';
import { repository } from '../../helpers/core/real-core.ts';

/** A command, or a flag, that no end-to-end test uses may be broken for a user, and nobody would know. */

const manifest = await makeManifest(repository);
const commands = commandFacts(manifest);
const config = { findCommand: (id: string) => manifest.commands[id] } as unknown as Config;
const known: Known = { config, commands: COMMANDS };

/** What follows each `fsb-ctl`, up to where the shell ends a command; a cut inside of quotes is one in the guest's command. */
const used = [
  ...[...tableLines, ...daemonLines, ...eventLines].map(([line]) => line),
  ...commands.flatMap(({ examples }) => examples.map((e) => e.command)),
]
  .flatMap((line) => line.split(/\bfsb-ctl /).slice(1))
  .map((part) => readLine(splitLine(part.split(/ [;&|<>]|[;)\n]/)[0]!), '', known));

const usedBy = (words: string) => used.filter(({ found }) => found?.id === words.replaceAll(' ', ':'));

/** The names that a user may have typed. */
const namesOf = (words: string, name: string): string[] => {
  const { aliases = [] } = manifest.commands[words.replaceAll(' ', ':')]!.flags[name]!;
  return [name, `no-${name}`, ...aliases];
};

it('every command and every flag of it is used by a line of the table or an example', () => {
  const unused = commands.flatMap(({ words, flags }) => {
    const lines = usedBy(words);
    if (lines.length === 0) return [words];
    return flags
      .filter(
        ({ name }) => !namesOf(words, name).some((typed) => lines.some((line) => line.flags.has(typed))),
      )
      .map(({ name }) => `${words} --${name}`);
  });
  expect(unused).toEqual([]);
});
