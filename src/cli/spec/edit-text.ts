import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FsbError } from '../../core/model/failure/errors.ts';
import { makeDirectories } from '../../core/model/make-directories.ts';
import type { SandboxRef } from '../../core/model/sandbox/sandbox.ts';

/** Where the last text edited for a sandbox's name is remembered: below the XDG state directory. */
export function editFile(env: Record<string, string | undefined>, ref: SandboxRef): string {
  const state = env.XDG_STATE_HOME || join(env.HOME ?? '/', '.local/state');
  return join(state, 'fsb', 'edits', ref.namespace, `${ref.name}.yaml`);
}

/** Undefined: nothing is remembered. */
export async function lastText(file: string): Promise<string | undefined> {
  const last = await readFile(file, 'utf8').catch(() => '');
  return isEmpty(last) ? undefined : last;
}

/** Of blank lines and comments only. */
export const isEmpty = (text: string): boolean => text.split('\n').every((line) => /^\s*(#.*)?$/.test(line));

/**
 * The text that the editor will open, on disk. The editor works on the remembered file itself, so no crash of ours
 * can lose what was typed. Only its owner can read it: it may hold secrets.
 */
export class EditText {
  readonly file: string;
  readonly initial: string;
  readonly #last: string | undefined;

  private constructor(file: string, initial: string, last: string | undefined) {
    this.file = file;
    this.initial = initial;
    this.#last = last;
  }

  /** @param initial what the editor opens @param last what lastText() gave */
  static async open(file: string, initial: string, last: string | undefined): Promise<EditText> {
    if (initial === last) return new EditText(file, initial, last);
    try {
      makeDirectories(dirname(file), 0o700);
      await writeFile(file, initial, { mode: 0o600 });
    } catch (error) {
      throw new FsbError('internal', `cannot keep the text to edit in ${file}: ${(error as Error).message}`, {
        hint: 'Set XDG_STATE_HOME to a directory that you can write to, or give --image or --file.',
        cause: error,
      });
    }
    return new EditText(file, initial, last);
  }

  async read(): Promise<string> {
    return readFile(this.file, 'utf8').catch(() => '');
  }

  async put(text: string): Promise<void> {
    await writeFile(this.file, text, { mode: 0o600 });
  }

  /** What nobody changed is not worth remembering: the last text is. */
  async forgetIfUntouched(): Promise<void> {
    if (this.initial === this.#last || (await this.read()) !== this.initial) return;
    if (this.#last === undefined) await rm(this.file, { force: true });
    else await this.put(this.#last);
  }
}
