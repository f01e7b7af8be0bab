import { didYouMean } from '../../core/model/failure/did-you-mean.ts';
import { FsbError, hintOf } from '../../core/model/failure/errors.ts';
import { jsonText } from '../output/json-text.ts';
import { printableText } from '../output/table.ts';
import { OutputClosed } from '../terminal/streams.ts';
import { Interrupted } from './interruption.ts';

/** How a command ended badly: what stderr gets (nothing, for some ends) and the exit code. */
export interface Failure {
  text: string;
  exitCode: number;
}

export interface FailureContext {
  json: boolean;
  /** FSB_DEBUG=1: with the stack. */
  debug: boolean;
  /** For the hint: `fsb-ctl run`. */
  command: string;
  /** Long names of the command's flags, for did-you-mean. */
  flagNames: string[];
  /** What to say of a flag that people know from elsewhere: it is unknown here, or means something else. */
  insteadOf?: (flag: string) => string | undefined;
  /** The same of a word for which there is no room. */
  insteadOfWord?: (word: string) => string | undefined;
  /** What to give where a word is missing, by the last of its names: `COMMAND`. */
  toGive?: Readonly<Record<string, string>>;
  /** A hint, with its commands about the core that the line names. */
  onSameCore?: (hint: string) => string;
}

/** Total: whatever was thrown gets a text and an exit code. */
export function describeFailure(thrown: unknown, context: FailureContext): Failure {
  if (thrown instanceof OutputClosed) return { text: '', exitCode: OutputClosed.exitCode };
  const error = toFsbError(thrown, context);
  const quiet = error instanceof Interrupted;
  const text = quiet ? '' : renderError(onSameCore(error, context), thrown, context);
  return { text, exitCode: error.exitCode };
}

function onSameCore(error: FsbError, { onSameCore }: FailureContext): FsbError {
  if (error.hint === undefined || onSameCore === undefined) return error;
  return new FsbError(error.code, error.message, { hint: onSameCore(error.hint), cause: error });
}

export function renderError(
  error: FsbError,
  thrown: unknown,
  context: Pick<FailureContext, 'json' | 'debug'>,
): string {
  if (context.json) return `${jsonText({ error: error.toBody() })}\n`;
  const hint = error.hint === undefined ? '' : `Hint: ${error.hint}\n`;
  return printableText(`Error: ${error.message}\n${hint}${context.debug ? stackOf(thrown) : ''}`);
}

function stackOf(thrown: unknown): string {
  let text = '';
  for (let error = thrown; error instanceof Error; error = error.cause)
    text += `${error.stack ?? error.message}\n`;
  return text;
}

/** What oclif puts on its errors; told apart by these and not by class names, which a bundler may change. */
interface UsageError extends Error {
  oclif?: { exit?: number };
  flags?: unknown;
  args?: unknown;
}

function toFsbError(thrown: unknown, context: FailureContext): FsbError {
  if (thrown instanceof FsbError) return withFlagName(thrown);
  if (thrown instanceof Error) {
    if ((thrown as UsageError).oclif !== undefined) return usageError(thrown as UsageError, context);
    if (thrown.name === 'AbortError' || thrown.name === 'TimeoutError' || hintOf(thrown))
      return FsbError.from(thrown);
  }
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return new FsbError('internal', `unexpected failure: ${reason}`, {
    hint: context.debug
      ? 'Please report it with the lines below.'
      : 'This is a bug. Run it again with FSB_DEBUG=1 to see where it comes from.',
    cause: thrown,
  });
}

/** oclif writes the flag's name and advice around the message of a value that did not parse. */
function withFlagName(error: FsbError): FsbError {
  const wrapped = /^Parsing --(\S+) \n\t([\s\S]*)\nSee more help with --help$/.exec(error.message);
  return wrapped
    ? new FsbError(error.code, `--${wrapped[1]}: ${wrapped[2]}`, { hint: error.hint, cause: error })
    : error;
}

function usageError(error: UsageError, context: FailureContext): FsbError {
  const help = `See ${context.command} --help.`;
  const make = (message: string, hint = help): FsbError =>
    new FsbError('invalid_argument', message, { hint, cause: error });
  if (isWords(error.flags)) {
    const first = error.flags[0]!.replace(/^-+/, '').split('=')[0]!;
    const near = didYouMean(first, context.flagNames);
    const known =
      context.insteadOf?.(first) ?? (near === undefined ? help : `Did you mean --${near}? ${help}`);
    return make(`unknown flag ${error.flags.join(', ')}`, known);
  }
  if (isWords(error.args))
    return make(
      `unexpected argument ${error.args.map((word) => JSON.stringify(word)).join(', ')}`,
      context.insteadOfWord?.(error.args[0]!),
    );
  if (Array.isArray(error.args)) {
    const names = (error.args as { name: string }[]).map((arg) => arg.name.toUpperCase());
    return make(`missing ${names.join(', ')}`, context.toGive?.[names.at(-1)!]);
  }
  const message = plainMessage(error.message);
  const [, flag, value, choices] = /^expected --(\S+?)=(.*) to be one of: (.+)$/.exec(message) ?? [];
  const near = choices && didYouMean(value!, choices.split(', '));
  if (near) return make(message, `Did you mean --${flag} ${near}?`);
  const refused = /^(?:expected --(\S+?)=|flag --(\S+) expects a value)/.exec(message);
  return make(message, refused ? context.insteadOf?.(refused[1] ?? refused[2]!) : undefined);
}

const isWords = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((word) => typeof word === 'string');

function plainMessage(message: string): string {
  const text = message
    .replace(/\nSee more help with --help$/, '')
    .replace(/^The following errors? occurred:\s*/, '')
    .replace(/^Parsing --(\S+) \n\t/, '--$1: ')
    .replaceAll(/\s*\n\s*/g, '; ')
    .replace(/^--([\w-]+)=.* (cannot also be provided)/s, '--$1 $2');
  return /^[A-Z][a-z]/.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text;
}
