import type { PullProgress } from './pull-lines.ts';

/**
 * The same bytes, told as one layer of that name while they go by.
 * @param total bytes; 0: unknown
 * @param last its state at the end
 */
export async function* counted(
  content: AsyncIterable<Buffer>,
  { id, total, last }: { id: string; total: number; last: 'downloaded' | 'done' },
  progress: PullProgress,
): AsyncGenerator<Buffer> {
  let current = 0;
  for await (const chunk of content) {
    yield chunk;
    current += chunk.length;
    await progress.on({ kind: 'layer', layer: { id, state: 'downloading', current, total } });
  }
  await progress.on({ kind: 'layer', layer: { id, state: last, current, total } });
}
