import { expect, it } from 'vitest';
import type { SandboxNews, WatchQuery } from '../../../src/core/api/sandbox-api.ts';
import type { Sandbox } from '../../../src/core/model/sandbox/sandbox.ts';
import { errorOf, type Workbench } from '../workbench.ts';

/** Lists in pages, and watches from a revision. */
export function watchCases(bench: Workbench): void {
  /** Reads until `enough` says so; each sandbox as it was told last, and how the revision was then. */
  async function follow(
    query: WatchQuery,
    enough: (news: SandboxNews, known: Map<string, Sandbox>) => boolean,
    known = new Map<string, Sandbox>(),
  ): Promise<{ known: Map<string, Sandbox>; revision: string }> {
    for await (const news of bench.core.sandboxes.watch({ namespace: bench.namespace, ...query })) {
      if (news.sandbox) known.set(news.sandbox.id, news.sandbox);
      if (news.removed) known.delete(news.removed.id);
      if (enough(news, known)) return { known, revision: news.revision };
    }
    throw new Error('the watch ended');
  }

  it('gives a list in pages of one revision, and as a whole', async () => {
    const labels = { paged: 'yes' };
    const made = [await bench.idle({ labels }), await bench.idle({ labels }), await bench.idle({ labels })];
    const { namespace } = bench;
    const names = made.map(({ name }) => name).sort();
    const first = await bench.core.sandboxes.page({ namespace, labels, limit: 2 });
    expect(first.items.map(({ name }) => name)).toEqual(names.slice(0, 2));
    const second = await bench.core.sandboxes.page({ namespace, labels, limit: 2, token: first.next });
    expect(second.items.map(({ name }) => name)).toEqual(names.slice(2));
    expect(second).toMatchObject({ revision: first.revision });
    expect(second.next).toBeUndefined();
    const bad = bench.core.sandboxes.page({ namespace, token: 'no-token' });
    expect(await errorOf(bad)).toMatchObject({ code: 'invalid_argument', hint: expect.any(String) });
  });

  it('tells what there is, then changes, to one who was away, too', async () => {
    const labels = { watched: 'yes' };
    const box = await bench.idle({ labels });
    const start = await follow({ labels }, (news) => 'complete' in news);
    expect([...start.known.keys()]).toEqual([box.id]);
    const other = await bench.idle({ labels });
    await bench.core.sandboxes.stop(box, { grace: 0 });
    await bench.core.sandboxes.delete(other, { grace: 0 });
    const { revision } = start;
    const seen = await follow(
      { labels, revision },
      (_, known) => known.get(box.id)?.state.phase === 'Exited' && !known.has(other.id),
      start.known,
    );
    expect([...seen.known.keys()]).toEqual([box.id]);
    // The deletion may be the news itself, or be behind what is read so far: nobody is told it twice.
    const late = await bench.core.sandboxes.page({ namespace: bench.namespace, labels });
    expect(late.items.map(({ id }) => id)).toEqual([box.id]);
  });

  it('misses nothing between a list and a watch from its revision', async () => {
    const { revision } = await bench.core.sandboxes.page({ namespace: bench.namespace });
    const box = await bench.idle();
    const { known } = await follow({ revision }, (news) => news.sandbox?.state.phase === 'Running');
    expect([...known.keys()]).toEqual([box.id]);
  });

  it('refuses revisions that it does not know', async () => {
    const next = (revision: string) =>
      errorOf(bench.core.sandboxes.watch({ revision })[Symbol.asyncIterator]().next());
    expect(await next('00000000.0')).toMatchObject({ code: 'outdated', hint: expect.any(String) });
    expect(await next('yesterday')).toMatchObject({ code: 'invalid_argument' });
  });
}
