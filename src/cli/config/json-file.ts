import { readFileSync, statSync } from 'node:fs';
import { FsbError } from '../../core/model/failure/errors.ts';
import { faultPlace } from '../files/json-fault.ts';

/** Bytes; no file of ours comes near. */
const LARGEST = 64 * 1024;

/** What a small file of ours holds, and how it is written. */
export interface JsonFile {
  file: string;
  content: Record<string, unknown>;
  /** Of its lines, as JSON.stringify takes it. */
  indent: string;
}

/**
 * Read at once and not later: the settings of a command are needed before it does anything.
 * @returns undefined when there is none
 * @throws invalid_argument naming the file, and the line and column that are not JSON
 */
export function readJsonFile(file: string): JsonFile | undefined {
  const text = readText(file)?.replace(/^\ufeff/, '');
  if (text === undefined) return undefined;
  if (text.trim() === '') return { file, content: {}, indent: '  ' };
  const fault = faultPlace(text);
  // The text itself is not quoted: the file may be a link to anything.
  if (fault !== undefined)
    throw unusable(file, `it is not JSON from line ${fault.line}, column ${fault.column} on`);
  const content: unknown = JSON.parse(text);
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw unusable(file, 'it must be one JSON object, like {"namespace": "default"}');
  return {
    file,
    content: content as Record<string, unknown>,
    indent: /^\s*\{\s*\n([ \t]+)"/.exec(text)?.[1] ?? '  ',
  };
}

function readText(file: string): string | undefined {
  try {
    const found = statSync(file);
    // A pipe would be waited for without end.
    if (!found.isFile()) throw unusable(file, 'it is no ordinary file');
    if (found.size > LARGEST) throw unusable(file, `it has more than ${LARGEST} bytes`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof FsbError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    // ENOTDIR: something on the way is a file, so there is none either.
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unusable(file, code === 'EACCES' ? 'permission denied' : message, error);
  }
}

export const unusable = (file: string, why: string, cause?: unknown): FsbError =>
  new FsbError('invalid_argument', `cannot use ${file}: ${why}`, {
    hint: 'Mend the file, or remove it.',
    cause,
  });

/** Says of what the disk, or the owner of the file, does not allow `change` that it was about that. @throws internal */
export async function changing(file: string, change: () => Promise<unknown>): Promise<void> {
  try {
    await change();
  } catch (error) {
    if (error instanceof FsbError) throw error;
    throw new FsbError('internal', `cannot write ${file}: ${(error as Error).message}`, {
      hint: 'Check who owns it and whether its disk is full. Nothing was changed.',
      cause: error,
    });
  }
}
