import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FsbError } from '../../core/model/errors.ts';
import type { SandboxRef } from '../../core/model/sandbox.ts';

/** Where the last text edited for a sandbox's name is remembered: below the XDG state directory. */
export function editFile(env: Record<string, string | undefined>, ref: SandboxRef): string {
  const state = env.XDG_STATE_HOME || join(env.HOME ?? '/', '.local/state');
  return join(state, 'fsb', 'edits', ref.namespace, `${ref.name}.yaml`);
}

/**
 * The text that the editor will open, on disk. The editor works on the remembered file itself, so no crash of ours
 * can lose what was typed. Only its owner can read it: it may hold secrets.
 */
export class EditText {
  readonly file: string;
  readonly initial: string;
  readonly #fresh: boolean;

  private constructor(file: string, initial: string, fresh: boolean) {
    this.file = file;
    this.initial = initial;
    this.#fresh = fresh;
  }

  static async open(file: string, template: string): Promise<EditText> {
    const last = await readFile(file, 'utf8').catch(() => '');
    if (last.trim() !== '') return new EditText(file, last, false);
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(file, template, { mode: 0o600 });
    } catch (error) {
      throw new FsbError('internal', `cannot keep the text to edit in ${file}: ${(error as Error).message}`, {
        hint: 'Set XDG_STATE_HOME to a directory that you can write to, or give --image or --file.',
        cause: error,
      });
    }
    return new EditText(file, template, true);
  }

  async read(): Promise<string> {
    return readFile(this.file, 'utf8').catch(() => '');
  }

  /** A template that nobody changed is not worth remembering. */
  async forgetIfUntouched(): Promise<void> {
    if (this.#fresh && (await this.read()) === this.initial) await rm(this.file, { force: true });
  }
}
