import { FsbError } from '../../core/model/failure/errors.ts';
import { tryWrite } from './streams.ts';
import { isInteractive, type Terminal } from './world.ts';

/** Whom to ask, how, and until when. */
export interface Asking {
  terminal: Terminal;
  /** Without colours and movements of the cursor. */
  plain: boolean;
  signal: AbortSignal;
}

/**
 * A yes/no question on stderr. Enter takes the default.
 * @throws cancelled when the user leaves it with ctrl-C, or `signal` aborts
 */
export async function confirm(asking: Asking, message: string, byDefault: boolean): Promise<boolean> {
  if (asking.plain) return confirmPlainly(asking, message, byDefault);
  const { confirm: ask } = await import('@inquirer/prompts');
  return answered(ask({ message, default: byDefault }, contextOf(asking)));
}

async function confirmPlainly(asking: Asking, message: string, byDefault: boolean): Promise<boolean> {
  const { askLine } = await import('./plain-questions.ts');
  const question = `${message} ${byDefault ? '(Y/n)' : '(y/N)'}`;
  for (;;) {
    const answer = (await answered(askLine(asking.terminal, question, asking.signal))).trim();
    if (answer === '') return byDefault;
    if (/^(y|yes|n|no)$/i.test(answer)) return /^y/i.test(answer);
  }
}

/**
 * For what asks before something is gone for good. Nobody can answer where there is no terminal: there it must be said
 * in the line, and before anything is begun.
 * @param what `removing images`. @param hint which flag says so
 * @throws invalid_argument
 */
export function assertCanAsk(terminal: Terminal, what: string, hint: string): void {
  if (isInteractive(terminal)) return;
  throw new FsbError('invalid_argument', `cannot ask before ${what}: there is no terminal`, { hint });
}

export interface Loss {
  /** `This deletes`, before the lines. */
  title: string;
  /** What would be gone, a line each. */
  lines: readonly string[];
  question: string;
  /** When the answer is no: `nothing was deleted`. */
  outcome: string;
}

/**
 * Asks before something is gone for good; Enter is no. Also with -q: nobody can answer without having seen it.
 * @throws cancelled
 */
export async function confirmLoss(asking: Asking, { title, lines, question, outcome }: Loss): Promise<void> {
  await tryWrite(asking.terminal.stderr, `${[title, ...lines.map((line) => `  ${line}`)].join('\n')}\n`);
  if (!(await confirm(asking, question, false))) throw cancelled(undefined, outcome);
}

/** A line of text, on stderr; Enter alone takes the default. @throws as confirm() */
export async function askText(
  asking: Asking,
  message: string,
  byDefault: string | undefined,
): Promise<string> {
  if (asking.plain) {
    const { askLine } = await import('./plain-questions.ts');
    const question = byDefault === undefined ? message : `${message} (${byDefault})`;
    return (await answered(askLine(asking.terminal, question, asking.signal))) || (byDefault ?? '');
  }
  const { input } = await import('@inquirer/prompts');
  return answered(input({ message, default: byDefault }, contextOf(asking)));
}

/** The same for what nobody may see: not even its length shows, and no key shows it. @throws as confirm() */
export async function askHidden(asking: Asking, message: string): Promise<string> {
  if (asking.plain) {
    const { askLineHidden } = await import('./plain-questions.ts');
    return answered(askLineHidden(asking.terminal, message, asking.signal));
  }
  const { password } = await import('@inquirer/prompts');
  return answered(password({ message, mask: false, toggleMask: false }, contextOf(asking)));
}

const contextOf = ({ terminal: { stdin, stderr }, signal }: Asking) => ({
  ...{ input: stdin, output: stderr, signal },
});

/** What the library throws when a question is left. */
const LEFT = /^(ExitPromptError|AbortPromptError|CancelPromptError)$/;

async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const left = error instanceof FsbError && error.code === 'cancelled';
    if (left || (error instanceof Error && LEFT.test(error.name)))
      throw cancelled(undefined, 'nothing was done');
    throw error;
  }
}

export const cancelled = (hint?: string, outcome = 'nothing was created'): FsbError =>
  new FsbError('cancelled', `cancelled, ${outcome}`, { hint });
