import { open } from 'node:fs/promises';
import { Digester } from './digester.ts';

/** Writes a new file. @returns what it is, when it is on the disk */
export async function writeHashed(
  path: string,
  content: AsyncIterable<Buffer>,
): Promise<{ digest: string; size: number }> {
  const written = new Digester();
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of content) {
      written.add(chunk);
      await file.appendFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { digest: written.digest(), size: written.size };
}
