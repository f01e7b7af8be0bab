import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

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
