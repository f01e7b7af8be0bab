import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const corpusDirectory = (name: string): string => join(import.meta.dirname, 'corpus', name);

/** The committed seeds of a target, in the order of their names. */
export function corpusFiles(name: string): Buffer[] {
  const directory = corpusDirectory(name);
  return readdirSync(directory)
    .sort()
    .map((file) => readFileSync(join(directory, file)));
}
