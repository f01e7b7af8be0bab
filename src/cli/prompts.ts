import { FsbError } from '../core/model/errors.ts';
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
  try {
    return await ask(
      { message, default: byDefault },
      { input: terminal.stdin, output: terminal.stderr, signal },
    );
  } catch (error) {
    if (error instanceof Error && /^(ExitPromptError|AbortPromptError|CancelPromptError)$/.test(error.name))
      throw cancelled();
    throw error;
  }
}

export const cancelled = (hint?: string): FsbError =>
  new FsbError('cancelled', 'cancelled, nothing was created', { hint });
