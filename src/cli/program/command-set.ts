import { type Command, Config, Plugin } from '@oclif/core';
import type { CommandClass, CommandTable } from '../command/command-table.ts';
import { usageOf } from './usage.ts';

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
    this.commands = await Promise.all(
      this.commandIDs.map(async (id) => this.#loadable(id, await loadCommand(id, this.#table))),
    );
  }

  #loadable(id: string, command: CommandClass): Command.Loadable {
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

/** A class of the table, which knows by what names it is called. */
export async function loadCommand(id: string, table: CommandTable): Promise<CommandClass> {
  const { load, aliases } = table[id]!;
  return Object.assign(await load(), { id, aliases });
}

/** The help takes the name from the definition; oclif's parser writes it there, but the help runs without it. */
const named = <T extends object>(definitions: Record<string, T>): Record<string, T & { name: string }> =>
  Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [name, { ...definition, name }]),
  );

/** oclif's configuration without the themes of its help, for which it would look on the disk at every start. */
class OwnConfig extends Config {
  override scopedEnvVarTrue(key: string): boolean {
    return key === 'DISABLE_THEME' || super.scopedEnvVarTrue(key);
  }
}

/** @param table what is to be known of: help and completion need all of it, a command that runs only itself */
export async function loadConfig(root: string, pjson: PackageJson, table: CommandTable): Promise<Config> {
  const plugin = new BuiltInCommands(root, pjson, table);
  await plugin.load();
  const config = new OwnConfig({ root, pjson: plugin.pjson, plugins: new Map([[plugin.name, plugin]]) });
  await config.load();
  return config;
}
