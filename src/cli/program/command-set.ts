import { type Command, Config, Plugin } from '@oclif/core';
import type { BaseCommand } from '../base-command.ts';
import type { World } from '../world.ts';
import { usageOf } from './usage.ts';

export type CommandClass = Omit<typeof BaseCommand, 'prototype'> &
  (new (
    argv: string[],
    config: Config,
    world: World,
  ) => BaseCommand);

/** Every command by its id; words of an id are joined with colons (`pool:status`). */
export type CommandTable = Record<string, CommandClass>;

export type PackageJson = NonNullable<Plugin['pjson']>;

/**
 * oclif's root plugin with the commands handed in instead of found on disk: nothing is scanned at start-up, and the
 * same table serves the bundle, the development entry and the tests.
 */
class BuiltInCommands extends Plugin {
  readonly #table: CommandTable;

  constructor(root: string, pjson: PackageJson, table: CommandTable) {
    const { commands: _, ...oclif } = pjson.oclif;
    super({ isRoot: true, root, pjson: { ...pjson, oclif }, ignoreManifest: true });
    this.#table = table;
  }

  override async load(): Promise<void> {
    await super.load();
    this.commandIDs = Object.keys(this.#table).sort();
    this.commands = this.commandIDs.map((id) => this.#loadable(id, this.#table[id]!));
  }

  #loadable(id: string, command: CommandClass): Command.Loadable {
    command.id = id;
    const { aliases, hiddenAliases, args, description, examples, hidden, state, strict, summary, usage } =
      command;
    return {
      id,
      aliases,
      hiddenAliases,
      description,
      examples,
      hidden,
      state,
      strict,
      summary,
      usage: usage ?? usageOf(id, named(args)),
      args: named(args),
      flags: named({ ...command.baseFlags, ...command.flags }),
      hasDynamicHelp: false,
      pluginAlias: this.alias,
      pluginName: this.name,
      pluginType: this.type,
      load: async () => command as unknown as Command.Class,
    };
  }
}

/** The help takes the name from the definition; oclif's parser writes it there, but the help runs without it. */
const named = <T extends object>(definitions: Record<string, T>): Record<string, T & { name: string }> =>
  Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [name, { ...definition, name }]),
  );

export async function loadCommands(root: string, pjson: PackageJson, table: CommandTable): Promise<Config> {
  const plugin = new BuiltInCommands(root, pjson, table);
  await plugin.load();
  const config = new Config({ root, pjson: plugin.pjson, plugins: new Map([[plugin.name, plugin]]) });
  await config.load();
  return config;
}
