import { FsbError } from '../core/model/errors.ts';
import { tryWrite } from './streams.ts';
import type { Terminal } from './world.ts';

/**
 * A yes/no question on stderr. Enter takes the default.
 * @throws cancelled when the user leaves it with ctrl-C, or `signal` aborts
 */
export async function confirm(
  terminal: Terminal,
  message: string,
  byDefault: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const { confirm: ask } = await import('@inquirer/prompts');
  return answered(ask({ message, default: byDefault }, contextOf(terminal, signal)));
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
export async function confirmLoss(
  terminal: Terminal,
  { title, lines, question, outcome }: Loss,
  signal: AbortSignal,
): Promise<void> {
  await tryWrite(terminal.stderr, `${[title, ...lines.map((line) => `  ${line}`)].join('\n')}\n`);
  if (!(await confirm(terminal, question, false, signal))) throw cancelled(undefined, outcome);
}

/** A line of text, on stderr; Enter alone takes the default. @throws as confirm() */
export async function askText(
  terminal: Terminal,
  message: string,
  byDefault: string | undefined,
  signal: AbortSignal,
): Promise<string> {
  const { input } = await import('@inquirer/prompts');
  return answered(input({ message, default: byDefault }, contextOf(terminal, signal)));
}

/** The same for what nobody may see: not even its length shows, and no key shows it. @throws as confirm() */
export async function askHidden(terminal: Terminal, message: string, signal: AbortSignal): Promise<string> {
  const { password } = await import('@inquirer/prompts');
  return answered(password({ message, mask: false, toggleMask: false }, contextOf(terminal, signal)));
}

const contextOf = ({ stdin, stderr }: Terminal, signal: AbortSignal) => ({
  ...{ input: stdin, output: stderr, signal },
});

async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && /^(ExitPromptError|AbortPromptError|CancelPromptError)$/.test(error.name))
      throw cancelled(undefined, 'nothing was done');
    throw error;
  }
}

export const cancelled = (hint?: string, outcome = 'nothing was created'): FsbError =>
  new FsbError('cancelled', `cancelled, ${outcome}`, { hint });
