import type { Command, Config } from '@oclif/core';

export interface FoundCommand {
  /** The command's own id, also when an alias was typed. */
  id: string;
  command: Command.Loadable;
  /** What follows the words of the command. */
  argv: string[];
}

/** The longest beginning of the words that is a command or an alias of one. */
export function findCommand(words: string[], config: Config): FoundCommand | undefined {
  for (let length = Math.min(words.length, 3); length > 0; length--) {
    const command = config.findCommand(words.slice(0, length).join(':'));
    if (command === undefined) continue;
    const { id } =
      config.commands.find(
        (other) => other.aliases.includes(command.id) && !other.aliases.includes(other.id),
      ) ?? command;
    return { id, command, argv: words.slice(length) };
  }
  return undefined;
}
