import { expect, it } from 'vitest';
import { makeManifest } from '../../../scripts/build/manifest.ts';
import { commandFacts } from '../../../scripts/generate/command-facts.ts';
import { daemonLines, eventLines, tableLines } from '../../helpers/cli/table-lines.ts';
import { repository } from '../../helpers/core/real-core.ts';

/** A command, or a flag, that no end-to-end test uses may be broken for a user, and nobody would know. */

const commands = commandFacts(await makeManifest(repository));
const byWords = new Map(
  commands.flatMap((command) => [command.words, ...command.aliases].map((words) => [words, command])),
);

/** What follows each `fsb-ctl`, up to the next word of the shell that ends a command. */
const used = [
  ...[...tableLines, ...daemonLines, ...eventLines].map(([line]) => line),
  ...commands.flatMap(({ examples }) => examples.map((e) => e.command)),
]
  .flatMap((line) => line.split(/\bfsb-ctl /).slice(1))
  .map((part) => part.split(/ [;&|]|;|\n| -- /)[0]!.replace(/^(--?\w+ \S+ )+/, ''));

function linesOf(words: string): string[] {
  const command = byWords.get(words)!;
  return used.filter((line) => [words, ...command.aliases].some((name) => `${line} `.startsWith(`${name} `)));
}

const has = (line: string, { name, char }: { name: string; char: string | undefined }): boolean =>
  new RegExp(` --(no-)?${name}\\b(?!-)`).test(line) ||
  (char !== undefined && new RegExp(` -[a-zA-Z]*${char}`).test(line));

it('every command and every flag of it is used by a line of the table or an example', () => {
  const unused = commands.flatMap(({ words, flags }) => {
    const lines = linesOf(words);
    if (lines.length === 0) return [words];
    return flags
      .filter((flag) => !lines.some((line) => has(line, flag)))
      .map((flag) => `${words} --${flag.name}`);
  });
  expect(unused).toEqual([]);
});
