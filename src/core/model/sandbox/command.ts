import { posix } from 'node:path';
import { FsbError } from '../failure/errors.ts';
import type { ImageConfig } from '../image/image.ts';
import { type ProcessSpec, parseSignal } from '../process.ts';
import type { SandboxSpec } from './spec.ts';

/** What a process gets when neither the image nor the user says where programs are; docker's own. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

type CommandSpec = Pick<SandboxSpec, 'image' | 'command' | 'args' | 'envs' | 'working_dir' | 'user' | 'tty'>;

/**
 * The main process of a sandbox: `command` replaces the image's entrypoint (and drops its cmd), `args` replaces its
 * cmd, with neither the image's own run. What the spec leaves open comes from the image.
 * @throws invalid_argument when nothing says what to run, or the working directory is not absolute
 */
export function processFor(
  spec: CommandSpec,
  image: ImageConfig,
): Pick<ProcessSpec, 'argv' | 'env' | 'cwd' | 'user'> {
  return {
    argv: assertCommand(argvFor(spec, image), spec.image),
    env: environmentFor(spec, image),
    cwd: workingDirectoryFor(spec, image),
    user: spec.user || image.user,
  };
}

/** What runs when nobody names a command. @throws invalid_argument when the image, called `name`, says none */
export const commandOf = (image: ImageConfig, name: string): string[] =>
  assertCommand(argvFor({ command: [], args: [] }, image), name);

function assertCommand(argv: string[], image: string): string[] {
  if (argv.length > 0 && argv[0] !== '') return argv;
  throw new FsbError('invalid_argument', `image ${image} says no command to run, and none was given`, {
    hint: 'Give one behind --: COMMAND ARG...',
  });
}

/** What a command starts from when nothing but its image is known. */
export function surroundingsOf(image: ImageConfig): Pick<ProcessSpec, 'env' | 'cwd' | 'user'> {
  const env = environmentFor({ envs: {}, tty: false }, image);
  return { env, cwd: workingDirectoryFor({ working_dir: '' }, image), user: image.user };
}

/** As docker: an entrypoint that is one empty word is none, and one that is given also drops the image's cmd. */
function argvFor(
  { command, args }: Pick<CommandSpec, 'command' | 'args'>,
  { entrypoint, cmd }: ImageConfig,
): string[] {
  if (command.length > 0) return [...withoutEmpty(command), ...args];
  return [...withoutEmpty(entrypoint), ...(args.length > 0 ? args : cmd)];
}

const withoutEmpty = (entrypoint: string[]): string[] =>
  entrypoint.length === 1 && entrypoint[0] === '' ? [] : entrypoint;

/** The signal that asks the main process to end; undefined when the image says none, or none that there is. */
export function stopSignalOf({ stopSignal }: ImageConfig): number | undefined {
  if (stopSignal === undefined || stopSignal === '') return undefined;
  try {
    return parseSignal(stopSignal);
  } catch {
    return undefined;
  }
}

/** Labels of both, the spec's win; ports of both, sorted. */
export function termsWith(
  spec: Pick<SandboxSpec, 'labels' | 'exposed_ports'>,
  { labels, exposedPorts }: ImageConfig,
): Pick<SandboxSpec, 'labels' | 'exposed_ports'> {
  return {
    labels: { ...labels, ...spec.labels },
    exposed_ports: [...new Set([...exposedPorts, ...spec.exposed_ports])].sort((a, b) => a - b),
  };
}

/** The image's variables, then the spec's over them; PATH always, TERM with a terminal. Execs start from the same. */
export function environmentFor(
  { envs, tty }: Pick<SandboxSpec, 'envs' | 'tty'>,
  image: ImageConfig,
): Record<string, string> {
  const environment: Record<string, string> = { PATH: DEFAULT_PATH, ...(tty && { TERM: 'xterm' }) };
  for (const line of image.env) {
    const equals = line.indexOf('=');
    if (equals > 0) setVariable(environment, line.slice(0, equals), line.slice(equals + 1));
  }
  for (const [name, value] of Object.entries(envs)) setVariable(environment, name, value);
  return environment;
}

// A plain assignment of a variable that is named __proto__ would be lost.
function setVariable(environment: Record<string, string>, name: string, value: string): void {
  Object.defineProperty(environment, name, { value, enumerable: true, writable: true, configurable: true });
}

function workingDirectoryFor({ working_dir }: Pick<CommandSpec, 'working_dir'>, image: ImageConfig): string {
  if (working_dir === '') return posix.join('/', image.workingDir);
  if (working_dir.startsWith('/')) return working_dir;
  throw new FsbError(
    'invalid_argument',
    `the working directory ${JSON.stringify(working_dir)} is not absolute`,
    {
      hint: `Write /${posix.normalize(working_dir)}.`,
    },
  );
}
