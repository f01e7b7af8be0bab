import type { CoreApi } from '../../src/core/api/core-api.ts';

/** A core remembers so many events (src/core/events/event-log.ts). */
const REMEMBERED = 10_000;
/** Changes of one sandbox wait for each other and for the disk; those of several share a write. */
const BOXES = 20;

/** Until the core remembers as much as it ever will: what it takes for that is no leak. */
export async function fillEventLog({ sandboxes }: CoreApi): Promise<void> {
  const fill = async (_: unknown, n: number): Promise<void> => {
    const box = { namespace: 'filling', name: `box-${n}` };
    await sandboxes.create({ ...box, spec: { image: 'host', command: ['true'] } });
    for (let round = 0; round < REMEMBERED / BOXES; round++)
      await sandboxes.update(box, { labels: { round: `${round}` } });
    await sandboxes.delete(box, { grace: 0 });
  };
  await Promise.all(Array.from({ length: BOXES }, fill));
}
