import { styleText } from 'node:util';
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
 * @param unclear what any other word means; undefined: it is asked again, on an empty line
 * @throws cancelled when the user leaves it with ctrl-C or ctrl-D, or `signal` aborts
 */
export async function confirm(
  asking: Asking,
  message: string,
  byDefault: boolean,
  unclear?: boolean,
): Promise<boolean> {
  const choice = byDefault ? '(Y/n)' : '(y/N)';
  const meant = (typed: string): boolean | undefined => meaningOf(typed.trim(), byDefault) ?? unclear;
  if (!asking.plain) return confirmInColor(asking, message, choice, meant);
  const { askLine } = await import('./plain-questions.ts');
  for (;;) {
    const said = meant(await answered(askLine(asking.terminal, `${message} ${choice}`, asking.signal)));
    if (said !== undefined) return said;
    await tryWrite(asking.terminal.stderr, `${CLEARER}\n`);
  }
}

const CLEARER = 'Answer y or n.';

function meaningOf(answer: string, byDefault: boolean): boolean | undefined {
  if (answer === '') return byDefault;
  return /^(y|yes|n|no)$/i.test(answer) ? /^y/i.test(answer) : undefined;
}

/** By the library's question for a text: that for a yes or no leaves a wrong answer in the line, before the next. */
async function confirmInColor(
  asking: Asking,
  message: string,
  choice: string,
  meant: (typed: string) => boolean | undefined,
): Promise<boolean> {
  const { input } = await import('@inquirer/prompts');
  const config = {
    message,
    validate: (typed: string) => meant(typed) !== undefined || CLEARER,
    transformer: (typed: string, { isFinal }: { isFinal: boolean }) =>
      isFinal ? styleText('cyan', meant(typed) ? 'Yes' : 'No') : typed,
    theme: {
      validationFailureMode: 'clear' as const,
      style: {
        message: (text: string, status: string) =>
          `${styleText('bold', text)}${status === 'done' ? '' : ` ${styleText('dim', choice)}`}`,
      },
    },
  };
  return meant(await answered(askRaw(asking, (context) => input(config, context)))) === true;
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
 * Asks before something is gone for good; anything but a yes is no. Also with -q: nobody can answer without having seen it.
 * @throws cancelled
 */
export async function confirmLoss(asking: Asking, { title, lines, question, outcome }: Loss): Promise<void> {
  await tryWrite(asking.terminal.stderr, `${[title, ...lines.map((line) => `  ${line}`)].join('\n')}\n`);
  if (!(await confirm(asking, question, false, false))) throw cancelled(undefined, outcome);
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
  return answered(askRaw(asking, (context) => input({ message, default: byDefault }, context)));
}

/** The same for what nobody may see: not even its length shows, and no key shows it. @throws as confirm() */
export async function askHidden(asking: Asking, message: string): Promise<string> {
  if (asking.plain) {
    const { askLineHidden } = await import('./plain-questions.ts');
    return answered(askLineHidden(asking.terminal, message, asking.signal));
  }
  const { password } = await import('@inquirer/prompts');
  const config = { message, mask: false, toggleMask: false };
  return answered(askRaw(asking, (context) => password(config, context)));
}

interface Context {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  signal: AbortSignal;
}

/**
 * A question of the library's, until it is answered or left. Its readline ends on ctrl-D, and pauses the input for good
 * when the process was stopped and goes on (ctrl-Z, fg); of neither does the library know. Then nothing would come any
 * more, and the process would end in the middle: the first leaves the question, after the second it is asked again.
 */
async function askRaw<T>(
  { terminal: { stdin, stderr }, signal }: Asking,
  ask: (context: Context) => Promise<T>,
): Promise<T> {
  for (;;) {
    const silent = new AbortController();
    let goesOn = false;
    // A moment later: only what goes on has taken the keys again by then.
    const onPause = (): void =>
      queueMicrotask(() => {
        goesOn = stdin.isRaw === true;
        silent.abort();
      });
    stdin.once('pause', onPause);
    try {
      const either = AbortSignal.any([signal, silent.signal]);
      return await ask({ input: stdin, output: stderr, signal: either });
    } catch (error) {
      if (!goesOn) throw error;
    } finally {
      stdin.off('pause', onPause);
    }
  }
}

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
