import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CoreEvent, EventQuery } from '../../../src/core/model/event.ts';
import { type RealCore, startRealCore } from '../../helpers/core/real-core.ts';
import { writeBusyboxImage } from '../../helpers/image/busybox-image.ts';

let core: RealCore;
beforeAll(async () => {
  core = await startRealCore();
});
afterAll(() => core.close());

async function told(query: EventQuery): Promise<CoreEvent[]> {
  const events: CoreEvent[] = [];
  for await (const event of core.remote.system.events({ follow: false, ...query })) events.push(event);
  return events;
}

const spec = { image: 'host', command: ['sleep', '1000'] };

describe('the events of a real core, over its socket', () => {
  it('are of sandboxes and pools in one order, numbered without a gap', async () => {
    const { sandboxes } = core.remote;
    const box = { namespace: 'default', name: 'box' };
    const { id } = await sandboxes.create({ ...box, spec });
    await sandboxes.stop(box, { grace: 0 });
    await sandboxes.start(box);
    await sandboxes.delete(box, { grace: 0 });
    const all = await told({ after: 0 });
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, n) => n + 1));
    const own = await told({ kinds: ['sandbox'] });
    expect(own.map(({ event }) => event.type)).toEqual([
      ...['created', 'started', 'exited', 'stopped', 'started', 'deleted'],
    ]);
    expect(own).toEqual(all.filter(({ sandbox }) => sandbox !== undefined));
    expect(own[0]!.sandbox).toMatchObject({ id, ...box, image: 'host' });
    const claimed = all.findIndex(({ event }) => event.type === 'claimed');
    const started = all.findIndex(({ event }) => event.type === 'started');
    expect(all.findIndex(({ event }) => event.type === 'created' && !('instance' in event))).toBeLessThan(
      claimed,
    );
    expect(claimed).toBeLessThan(started);
    expect(await told({ since: own[2]!.time, kinds: ['sandbox'] })).toEqual(own.slice(2));
    expect(await told({ kinds: ['image'] })).toEqual([]);
  });

  it('tell a reader who follows each end of many, once', async () => {
    const { sandboxes } = core.remote;
    const leave = new AbortController();
    const ended = new Set<string>();
    const reading = (async () => {
      const query = { kinds: ['sandbox'] as const };
      for await (const { sandbox, event } of core.remote.system.events(query, { signal: leave.signal })) {
        if (event.type !== 'exited') continue;
        expect(ended.has(sandbox!.name)).toBe(false);
        ended.add(sandbox!.name);
        if (ended.size === 12) return;
      }
    })();
    await core.remote.system.info();
    const names = Array.from({ length: 12 }, (_, i) => `job-${i}`);
    await Promise.all(
      names.map((name) =>
        sandboxes.create({ namespace: 'default', name, spec: { ...spec, command: ['true'] } }),
      ),
    );
    await reading;
    leave.abort();
    expect([...ended].sort()).toEqual([...names].sort());
    await Promise.all(names.map((name) => sandboxes.delete({ namespace: 'default', name })));
  });

  it('are of images, too', async () => {
    const { images } = core.remote;
    const directory = await mkdtemp(join(tmpdir(), 'fsb-events-'));
    const { dockerSave } = await writeBusyboxImage(directory, { name: 'docker.io/library/tools:1' });
    const [image] = await images.import({ source: { path: dockerSave } });
    await images.tag('tools:1', 'tools:2');
    await images.remove('tools:1');
    await images.remove('tools:2');
    await images.prune({ all: false });
    await rm(directory, { recursive: true });
    const own = await told({ kinds: ['image'] });
    expect(own.map(({ event }) => event.type)).toEqual([
      'imported',
      'tagged',
      'untagged',
      'removed',
      'pruned',
    ]);
    const names = [1, 2, 1, 2].map((tag) => [`docker.io/library/tools:${tag}`]);
    expect(own.slice(0, 4).map(({ image: one }) => one)).toEqual(
      names.map((each) => ({ digest: image!.digest, names: each })),
    );
    expect(own[3]!.event).toMatchObject({ freed: expect.any(Number) });
  });
});
