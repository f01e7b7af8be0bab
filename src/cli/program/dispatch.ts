import type { Config } from '@oclif/core';
import { didYouMean } from '../../core/model/failure/did-you-mean.ts';
import { FsbError } from '../../core/model/failure/errors.ts';
import {
  type CommandClass,
  type CommandTable,
  type FoundCommand,
  findCommand,
} from '../command/command-table.ts';
import { describeFailure } from '../command/failure.ts';
import { globalFlags } from '../command/global-flags.ts';
import { onSameCore, typedIn } from '../command/same-core.ts';
import { wantsJson } from '../command/wants-json.ts';
import { Settings } from '../config/settings.ts';
import { insteadOfDocker } from '../docker/commands.ts';
import { insteadOfFlag } from '../docker/flags.ts';
import { dockerFlagsOf } from '../docker/foreign-run-flags.ts';
import { tryWrite } from '../terminal/streams.ts';
import type { World } from '../terminal/world.ts';
import { withoutBooleanValues } from '../words/boolean-values.ts';
import {
  type FlagArities,
  guestCommandAt,
  missingBefore,
  separateGuestArguments,
  splitLeadingFlags,
  takesNextWord,
} from '../words/pass-through.ts';
import { loadCommand, loadConfig, type PackageJson } from './command-set.ts';
import { traceCommand } from './tracing.ts';

export interface Program {
  /** Directory of package.json. */
  root: string;
  pjson: PackageJson;
  commands: CommandTable;
}

/** What the completion scripts call; no command, for it must not fail as one does. */
const COMPLETE = '__complete';

const GLOBAL = globalFlags as FlagArities;

/** Runs one command line to its end. @returns the exit code; never rejects */
export async function main(argv: string[], program: Program, world: World): Promise<number> {
  try {
    return await dispatch(argv, program, world);
  } catch (error) {
    const bin = program.pjson.oclif.bin ?? program.pjson.name;
    const context = {
      json: wantsJson(argv, GLOBAL, () => new Settings(world, {}).output === 'json'),
      debug: world.env.FSB_DEBUG === '1',
      command: bin,
      flagNames: Object.keys(globalFlags),
      onSameCore: (hint: string) => onSameCore(hint, typedIn(argv, GLOBAL, world.cwd)),
    };
    const { text, exitCode } = describeFailure(error, context);
    await tryWrite(world.terminal.stderr, text);
    return exitCode;
  }
}

async function dispatch(argv: string[], program: Program, world: World): Promise<number> {
  const { leading, rest } = splitLeadingFlags(argv, GLOBAL);
  assertValue(rest.length === 0 ? leading.at(-1) : undefined, program);
  const { root, pjson, commands } = program;
  const everything = (): Promise<Config> => loadConfig(root, pjson, commands);
  if (rest.length === 0 || asksForHelp(rest.slice(0, 1)) || rest[0] === 'help')
    return showHelp(
      await everything(),
      commands,
      rest.filter((word, at) => isWord(word) && !(at === 0 && word === 'help')),
    );

  if (rest[0] === COMPLETE) {
    const { printCompletion } = await import('../completion/complete.ts');
    return printCompletion(rest.slice(1), { config: await everything(), commands }, world);
  }
  const found = findCommand(rest, commands);
  if (found === undefined) return showTopic(rest, await everything(), commands);
  const Found = await loadCommand(found.id, commands);
  const guest = guestCommandAt.get(found.id);
  const flags = { ...Found.baseFlags, ...Found.flags } as FlagArities;
  const known = { ...dockerFlagsOf(found.id), ...flags };
  const own = guest === undefined ? found.argv : separateGuestArguments(found.argv, known, guest);
  if (asksForHelp(own)) return showHelp(await everything(), commands, found.id.split(':'));
  const config = await loadConfig(root, pjson, { [found.id]: commands[found.id]! });
  if (guest !== undefined) assertNamed(found, Found, guest, config);
  const command = new Found(withoutBooleanValues([...leading, ...own], flags), config, world);
  return traceCommand(found.id, world, () => command.execute());
}

/** @throws invalid_argument when the last word is a flag that needs one more: that asks for no help */
function assertValue(last: string | undefined, { pjson }: Program): void {
  if (last === undefined || !takesNextWord(last, GLOBAL)) return;
  throw new FsbError('invalid_argument', `flag ${last} expects a value`, {
    hint: `See ${pjson.oclif.bin ?? pjson.name} --help.`,
  });
}

/** @throws invalid_argument when `--` stands where the name of a sandbox should */
function assertNamed({ id, argv }: FoundCommand, Found: CommandClass, guest: number, config: Config): void {
  const missing = missingBefore(argv, { ...Found.baseFlags, ...Found.flags } as FlagArities, guest);
  if (missing === undefined) return;
  const name = Object.keys(Found.args)[missing]!.toUpperCase();
  const { usage } = config.findCommand(id, { must: true });
  throw new FsbError('invalid_argument', `missing ${name}`, {
    hint: `It stands before --: ${config.bin} ${String(usage)}`,
  });
}

function asksForHelp(argv: string[]): boolean {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).some((word) => word === '--help' || word === '-h');
}

const isWord = (word: string): boolean => !word.startsWith('-');

/** `pool` alone shows what there is below it; anything else is a mistake. */
async function showTopic(words: string[], config: Config, commands: CommandTable): Promise<number> {
  const first = words[0]!;
  const below = config.commandIDs.filter((id) => id.startsWith(`${first}:`));
  if (below.length > 0 && (words.length === 1 || words[1] === 'help'))
    return showHelp(config, commands, [first]);
  if (!isWord(first)) throw unknownFlag(first, config);
  const [next] = splitLeadingFlags(words.slice(1), GLOBAL).rest;
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

/** In front of the command, where only those stand that every command has. */
function unknownFlag(word: string, { bin }: Config): FsbError {
  const name = word.replace(/^-+/, '').split('=')[0]!;
  const near = didYouMean(name, Object.keys(globalFlags));
  const guess = near === undefined ? `See ${bin} --help.` : `Did you mean --${near}? See ${bin} --help.`;
  return new FsbError('invalid_argument', `unknown flag ${word}`, {
    hint: insteadOfFlag('', name) ?? guess,
  });
}

async function showHelp(config: Config, commands: CommandTable, words: string[]): Promise<number> {
  const { OwnHelp } = await import('./command-help.ts');
  const help = new OwnHelp(config, config.pjson.oclif.helpOptions);
  const found =
    words.length === 0
      ? undefined
      : (findCommand(words, commands)?.id ?? (await topicOf(words, config, commands)));
  await help.showHelp(found === undefined ? [] : found.split(':'));
  return 0;
}

async function topicOf(words: string[], config: Config, commands: CommandTable): Promise<string> {
  if (words.length === 1 && config.findTopic(words[0]!)) return words[0]!;
  await showTopic(words, config, commands);
  return words[0]!;
}
