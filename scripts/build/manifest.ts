import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Command, Config } from '@oclif/core';
import { loadConfig as load, loadCommand, type PackageJson } from '../../src/cli/program/command-set.ts';
import { COMMANDS } from '../../src/commands/index.ts';

export interface Manifest {
  version: string;
  commands: Record<string, Command.Cached>;
}

type CacheCommand = (command: unknown, plugin: unknown) => Promise<Command.Cached>;

/**
 * What every command can do, as data: ids, flags, defaults, examples. `oclif manifest` cannot load TypeScript sources
 * and the bundle is no package of commands, so oclif's own conversion is called here on the same classes.
 */
export async function makeManifest(root: string): Promise<Manifest> {
  const { version, plugins } = await loadConfig(root);
  const [plugin] = plugins.values();
  const require = createRequire(join(root, 'package.json'));
  const library = dirname(require.resolve('@oclif/core'));
  const { cacheCommand } = require(join(library, 'util/cache-command.js')) as { cacheCommand: CacheCommand };
  const commands: Manifest['commands'] = {};
  for (const id of Object.keys(COMMANDS).sort())
    commands[id] = { ...(await cacheCommand(await loadCommand(id, COMMANDS), plugin)), id };
  return { version, commands };
}

export async function loadConfig(root: string): Promise<Config> {
  const pjson = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as PackageJson;
  return load(root, pjson, COMMANDS);
}
