import type { Config } from '@oclif/core';
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
import { insteadOfFlag } from '../docker/flags.ts';
import { dockerFlagsOf } from '../docker/foreign-run-flags.ts';
import { tryWrite } from '../terminal/streams.ts';
import type { World } from '../terminal/world.ts';
import { asksForHelp, beforeGuest, isWord } from '../words/asks-for-help.ts';
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
import { HelpDesk } from './help-desk.ts';
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
    return new HelpDesk(await everything(), commands, world).show(
      rest.filter((word, at) => isWord(word) && !(at === 0 && word === 'help')),
    );

  if (rest[0] === COMPLETE) {
    const { printCompletion } = await import('../completion/complete.ts');
    return printCompletion(rest.slice(1), { config: await everything(), commands }, world);
  }
  const found = findCommand(rest, commands);
  if (found === undefined) return new HelpDesk(await everything(), commands, world).topic(rest);
  const Found = await loadCommand(found.id, commands);
  const guest = guestCommandAt.get(found.id);
  const flags = { ...Found.baseFlags, ...Found.flags } as FlagArities;
  const known = { ...dockerFlagsOf(found.id), ...flags };
  const own = guest === undefined ? found.argv : separateGuestArguments(found.argv, known, guest);
  assertNoHostName(own, found);
  if (asksForHelp(own)) return new HelpDesk(await everything(), commands, world).show(found.id.split(':'));
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

/** @throws invalid_argument for `-h NAME` of docker: shown the help and 0, a script would take it that its command ran */
function assertNoHostName(own: string[], { id, argv }: FoundCommand): void {
  const at = beforeGuest(own).indexOf('-h');
  const hint = insteadOfFlag(id, 'h');
  // As it was typed: the command in the guest may have been found to begin with that name.
  const name = at === -1 ? undefined : argv[at + 1];
  if (hint === undefined || name === undefined || !isWord(name)) return;
  throw new FsbError('invalid_argument', `unknown flag -h ${name}`, { hint });
}
