import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** Writes a new file. @returns what it is, when it is on the disk */
export async function writeHashed(
  path: string,
  content: AsyncIterable<Buffer>,
): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of content) {
      hash.update(chunk);
      size += chunk.length;
      await file.appendFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
}
