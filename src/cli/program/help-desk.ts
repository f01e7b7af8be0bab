import type { Config } from '@oclif/core';
import { didYouMean } from '../../core/model/failure/did-you-mean.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import { type CommandTable, findCommand } from '../command/command-table.ts';
import { globalFlags } from '../command/global-flags.ts';
import { insteadOfDocker } from '../docker/commands.ts';
import { insteadOfFlag } from '../docker/flags.ts';
import { write } from '../terminal/streams.ts';
import type { World } from '../terminal/world.ts';
import { asksForHelp, isWord } from '../words/asks-for-help.ts';
import { type FlagArities, splitLeadingFlags } from '../words/pass-through.ts';

const GLOBAL = globalFlags as FlagArities;

/** Shows what there is, and says what a line that names no command may have meant. */
export class HelpDesk {
  readonly #config: Config;
  readonly #commands: CommandTable;
  readonly #world: Pick<World, 'terminal'>;

  constructor(config: Config, commands: CommandTable, world: Pick<World, 'terminal'>) {
    this.#config = config;
    this.#commands = commands;
    this.#world = world;
  }

  /** @param words none, a topic or a command @throws as topic */
  async show(words: string[]): Promise<number> {
    const config = this.#config;
    const { OwnHelp } = await import('./command-help.ts');
    const help = new OwnHelp(config, config.pjson.oclif.helpOptions);
    const found =
      words.length === 0
        ? undefined
        : (findCommand(words, this.#commands)?.id ?? (await this.#topicOf(words)));
    await help.showHelp(found === undefined ? [] : found.split(':'));
    await write(this.#world.terminal.stdout, help.text);
    return 0;
  }

  /** `pool` alone, or with a wish for help, shows what there is below it; anything else is a mistake. */
  async topic(words: string[]): Promise<number> {
    const config = this.#config;
    const first = words[0]!;
    if (!isWord(first)) throw unknownFlag(first, config);
    const below = config.commandIDs.filter((id) => id.startsWith(`${first}:`));
    const [next] = splitLeadingFlags(words.slice(1), GLOBAL).rest;
    const helps = asksForHelp(words.slice(1)) && (next === undefined || !isWord(next));
    if (below.length > 0 && (words.length === 1 || next === 'help' || helps)) return this.show([first]);
    if (first === 'container' && helps) return this.show([]);
    const topic = below.length > 0 ? `${first} ` : '';
    const help = `See ${config.bin} ${topic}--help.`;
    if (below.length > 0 && (next === undefined || !isWord(next)))
      throw new FsbError('invalid_argument', `${first} needs a command`, { hint: help });
    const isTopic = below.length > 0 || first === 'container';
    const given = isTopic && next !== undefined && isWord(next) ? `${first} ${next}` : first;
    const instead = insteadOfDocker(words.filter(isWord));
    const known =
      below.length > 0 ? below : ['help', ...config.commandIDs, ...config.topics.map(({ name }) => name)];
    // Without the topic, which is right already: it would make another word a small part of the whole.
    const near = didYouMean(
      given.slice(topic.length),
      known.map((id) => id.replaceAll(':', ' ').slice(topic.length)),
    );
    throw new FsbError('invalid_argument', `unknown command ${JSON.stringify(given)}`, {
      hint: instead ?? (near === undefined ? help : `Did you mean ${config.bin} ${topic}${near}?`),
    });
  }

  async #topicOf(words: string[]): Promise<string> {
    if (words.length === 1 && this.#config.findTopic(words[0]!)) return words[0]!;
    await this.topic(words);
    return words[0]!;
  }
}

/** In front of the command, where only those stand that every command has. */
function unknownFlag(word: string, { bin }: Config): FsbError {
  const name = word.replace(/^-+/, '').split('=')[0]!;
  const near = didYouMean(name, Object.keys(globalFlags));
  const guess = near === undefined ? `See ${bin} --help.` : `Did you mean --${near}? See ${bin} --help.`;
  return new FsbError('invalid_argument', `unknown flag ${word}`, {
    hint: insteadOfFlag('', name) ?? guess,
  });
}
