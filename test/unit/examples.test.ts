import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeManifest } from '../../scripts/build/manifest.ts';
import { commandFacts } from '../../scripts/generate/command-facts.ts';
import { guestCommandAt, takesNextWord } from '../../src/cli/words/pass-through.ts';

const root = resolve(import.meta.dirname, '../..');
const manifest = await makeManifest(root);
const commands = commandFacts(manifest);

/** `echo hello | fsb-ctl exec -i box cat` -> the words after fsb-ctl. */
function ownWords(line: string): string[] {
  const own = line.slice(line.indexOf('fsb-ctl ') + 'fsb-ctl '.length).split(/ [|;>] ?| && /)[0]!;
  return (own.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll(/^['"]|['"]$/g, ''));
}

/** The flags of ours among the words: up to `--`, or to the guest's command. */
function ownFlags(words: string[], id: string): string[] {
  const { flags } = manifest.commands[id]!;
  const found: string[] = [];
  let positionals = 0;
  for (let i = 0; i < words.length && words[i] !== '--'; i++) {
    if (!words[i]!.startsWith('-')) positionals += 1;
    else {
      found.push(words[i]!);
      if (takesNextWord(words[i]!, flags)) i += 1;
    }
    if (positionals === guestCommandAt.get(id)) break;
  }
  return found;
}

const isKnown = (flag: string, id: string): boolean => {
  const flags = Object.values(manifest.commands[id]!.flags);
  if (flag.startsWith('--'))
    return flags.some(({ name, aliases = [] }) => [name, ...aliases].includes(flag.slice(2).split('=')[0]!));
  return [...flag.slice(1)].every((char) => flags.some((known) => known.char === char));
};

describe.each(commands)('$words', ({ words, summary, examples }) => {
  const id = words.replaceAll(' ', ':');

  it('has a summary and at least two examples', () => {
    expect(summary).toMatch(/^[A-Z].*\.$/);
    expect(examples.length).toBeGreaterThanOrEqual(2);
  });

  it.each(examples)('knows every flag of: $command', ({ command }) => {
    const given = ownWords(command);
    const idWords = words.split(' ');
    expect(given.slice(0, idWords.length)).toEqual(idWords);
    const flags = ownFlags(given.slice(idWords.length), id);
    expect(flags.filter((flag) => !isKnown(flag, id))).toEqual([]);
  });
});
