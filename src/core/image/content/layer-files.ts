import { lstatSync } from 'node:fs';
import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

// Short, because the paths of all layers of an image must fit into one page of mount options.
const SHORTEST_ID = 12;

export interface LayerRecord {
  diffId: string;
  /** Bytes of the files in it. */
  size: number;
}

/**
 * Reads what a layer's directory says that it is.
 * @returns `broken`: it says nothing, or nothing that can be understood; the error when it cannot be read, which may
 * pass: the layer may be as good as ever
 */
export async function readLayer(directory: string): Promise<LayerRecord | 'broken' | Error> {
  try {
    const record = JSON.parse(await readFile(join(directory, 'layer.json'), 'utf8')) as Partial<LayerRecord>;
    if (typeof record.diffId !== 'string' || typeof record.size !== 'number') return 'broken';
    return { diffId: record.diffId, size: record.size };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof SyntaxError || code === 'ENOENT' || code === 'ENOTDIR') return 'broken';
    return error as Error;
  }
}

/** As few digits of the digest as no other layer has; two layers never share a directory. */
export async function freeDirectory(root: string, diffId: string): Promise<string> {
  const digits = digitsOf(diffId);
  const taken = new Set(await readdir(root));
  let length = SHORTEST_ID;
  while (taken.has(digits.slice(0, length)) && length < digits.length) length += 1;
  return join(root, digits.slice(0, length));
}

/**
 * Out of sight at once: a crash in the middle of removing leaves no half layer.
 * @returns false when somebody else has removed it before
 */
export async function bury(directory: string, staging: string): Promise<boolean> {
  const grave = join(staging, `removed-${crypto.randomUUID()}`);
  try {
    await rename(directory, grave);
  } catch (error) {
    if (isThere(directory)) throw error;
    return false;
  }
  await rm(grave, { recursive: true, force: true });
  return true;
}

/** What cannot be looked at is taken to be there. */
export function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}

export const digitsOf = (diffId: string): string => diffId.slice(diffId.indexOf(':') + 1);
