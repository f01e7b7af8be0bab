import { FsbError } from '../../core/model/failure/errors.ts';
import type { RegistryCredentials } from '../../core/model/image/image-requests.ts';
import { type Asking, askHidden, askText } from '../terminal/prompts.ts';
import { assertReadable } from '../terminal/readable-input.ts';
import { readText } from '../terminal/streams.ts';
import { isInteractive } from '../terminal/world.ts';

export interface LoginFlags {
  username?: string;
  password?: string;
  'password-stdin'?: boolean;
}

const LONGEST_PASSWORD = 64 * 1024;

/**
 * Name and password from the flags, standard input, or the user.
 * @param kept what was good once: its name is offered
 * @throws invalid_argument when something is missing and nobody can be asked; cancelled
 */
export async function credentialsForLogin(
  flags: LoginFlags,
  asking: Asking,
  kept: RegistryCredentials | undefined,
): Promise<RegistryCredentials> {
  const { terminal, signal } = asking;
  const given = { username: flags.username?.trim(), password: flags.password };
  if (flags['password-stdin']) {
    if (!given.username) throw missing('--password-stdin needs --username');
    // It would show on the screen what is typed.
    if (terminal.stdin.isTTY)
      throw missing('standard input is a terminal, and --password-stdin reads a pipe');
    assertReadable(terminal.stdin);
    const text = await readText(terminal.stdin, {
      ...{ limit: LONGEST_PASSWORD, what: 'the password', signal },
    });
    given.password = text.replace(/\r?\n$/, '');
  }
  const lacking = [
    ...(given.username === undefined ? ['name'] : []),
    ...(given.password === undefined ? ['password'] : []),
  ];
  if (lacking.length > 0 && !isInteractive(terminal))
    throw missing(`cannot ask for ${lacking.join(' and ')}: there is no terminal`);
  const username = given.username ?? (await askText(asking, 'Username:', kept?.username)).trim();
  if (username === '') throw missing('the username is empty');
  const password = given.password ?? (await askHidden(asking, 'Password:'));
  if (password === '') throw missing('the password is empty');
  return { username, password };
}

const missing = (what: string): FsbError =>
  new FsbError('invalid_argument', `cannot log in: ${what}`, {
    hint: 'Give --username, and the password on standard input with --password-stdin.',
  });
