import type { CoreApi } from '../../src/core/api/core-api.ts';

/** A core remembers so many events (src/core/events/event-log.ts). */
const REMEMBERED = 10_000;

/** Until the core remembers as much as it ever will: what it takes for that is no leak. */
export async function fillEventLog({ sandboxes }: CoreApi): Promise<void> {
  const box = { namespace: 'filling', name: 'box' };
  await sandboxes.create({ ...box, spec: { image: 'host', command: ['sleep', '1000'] } });
  for (let count = 0; count < REMEMBERED; count += 100)
    await Promise.all(
      Array.from({ length: 100 }, (_, n) => sandboxes.update(box, { labels: { round: `${count + n}` } })),
    );
  await sandboxes.delete(box, { grace: 0 });
}
