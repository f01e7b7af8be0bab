import type { Config } from '@oclif/core';
import { withoutContainer } from '../docker/commands.ts';
import type { World } from '../terminal/world.ts';
import type { BaseCommand } from './base-command.ts';

export type CommandClass = Omit<typeof BaseCommand, 'prototype'> &
  (new (
    argv: string[],
    config: Config,
    world: World,
  ) => BaseCommand);

export interface TableEntry {
  aliases: string[];
  /** Loads this command and nothing of the others: what a command does not need, it should not wait for. */
  load(): Promise<CommandClass>;
}

/** Every command by its id; words of an id, and of an alias, are joined with colons (`pool:status`). */
export type CommandTable = Record<string, TableEntry>;

export const command = (
  load: () => Promise<{ default: CommandClass }>,
  ...aliases: string[]
): TableEntry => ({
  aliases,
  load: async () => (await load()).default,
});

export interface FoundCommand {
  /** The command's own id, also when an alias was typed. */
  id: string;
  /** What follows the words of the command. */
  argv: string[];
}

/** The longest beginning of the words that is a command or an alias of one, also as docker's `container ls`. */
export function findCommand(typed: string[], table: CommandTable): FoundCommand | undefined {
  const words = withoutContainer(typed);
  for (let length = Math.min(words.length, 3); length > 0; length--) {
    const id = idOf(words.slice(0, length).join(':'), table);
    if (id !== undefined) return { id, argv: words.slice(length) };
  }
  return undefined;
}

const idOf = (typed: string, table: CommandTable): string | undefined =>
  Object.hasOwn(table, typed) ? typed : Object.keys(table).find((id) => table[id]!.aliases.includes(typed));
