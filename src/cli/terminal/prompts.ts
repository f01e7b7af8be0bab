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
 * @throws cancelled when the user leaves it with ctrl-C or ctrl-D, or `signal` aborts
 */
export async function confirm(asking: Asking, message: string, byDefault: boolean): Promise<boolean> {
  if (asking.plain) return confirmPlainly(asking, message, byDefault);
  const { confirm: ask } = await import('@inquirer/prompts');
  return answered(askRaw(asking, (context) => ask({ message, default: byDefault }, context)));
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
