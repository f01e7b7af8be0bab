import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SandboxNews, WatchQuery } from '../../../../src/core/api/sandbox-api.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import type { Sandbox } from '../../../../src/core/model/sandbox/sandbox.ts';
import { failure, controllerWorld as world } from '../../../helpers/core/controller-world.ts';

type World = ReturnType<typeof world>;

/** Who keeps a copy of what there is, by what a watch tells alone. */
class Mirror {
  readonly known = new Map<string, Sandbox>();
  revision = '';
  complete = false;
  readonly #leave = new AbortController();
  readonly #reading: Promise<void>;

  constructor({ controller }: World, query: WatchQuery) {
    this.#reading = this.#read(controller.watch(query, { signal: this.#leave.signal }));
  }

  async #read(watch: AsyncIterable<SandboxNews>): Promise<void> {
    try {
      for await (const news of watch) this.take(news);
    } catch (error) {
      if (FsbError.from(error).code !== 'cancelled') throw error;
    }
  }

  take(news: SandboxNews): void {
    if (news.sandbox) this.known.set(news.sandbox.id, news.sandbox);
    else if (news.removed) this.known.delete(news.removed.id);
    else this.complete = true;
    this.revision = news.revision;
  }

  async leave(): Promise<void> {
    this.#leave.abort();
    await this.#reading;
  }
}

const byId = (sandboxes: Iterable<Sandbox>): Sandbox[] =>
  [...sandboxes].sort((a, b) => (a.id < b.id ? -1 : 1));

async function next(watch: AsyncIterable<SandboxNews>): Promise<SandboxNews> {
  const iterator = watch[Symbol.asyncIterator]();
  const { value } = await iterator.next();
  await iterator.return?.();
  return value;
}

const steps: Record<string, (world: World, name: string) => Promise<unknown>> = {
  create: ({ create }, name) => create(name, { labels: { team: 'red' } }),
  delete: ({ controller, ref }, name) => controller.delete(ref(name)),
  reset: ({ controller, ref }, name) => controller.reset(ref(name)),
  stop: ({ controller, ref }, name) => controller.stop(ref(name)),
  start: ({ controller, ref }, name) => controller.start(ref(name)),
  pause: ({ controller, ref }, name) => controller.pause(ref(name)),
  paint: ({ controller, ref }, name) => controller.update(ref(name), { labels: { team: 'blue' } }),
  repaint: ({ controller, ref }, name) => controller.update(ref(name), { labels: { team: 'red' } }),
  rename: ({ controller, ref }, name) => controller.rename(ref(name), `${name}-${name}`),
};

const name = fc.constantFrom('a', 'b', 'c', 'a-a', 'b-b');
const change = fc.tuple(fc.constantFrom(...Object.keys(steps)), name);
const queries: WatchQuery[] = [
  {},
  { namespace: 'default' },
  { labels: { team: 'red' } },
  { namespace: 'other' },
];

describe('a watch', () => {
  it('makes of what it began with what there is, also for one who was away, for any labels', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { maxLength: 8 }),
        fc.array(change, { maxLength: 8 }),
        fc.array(change, { maxLength: 8 }),
        fc.constantFrom(...queries),
        async (before, during, away, query) => {
          const made = world();
          const run = async (changes: [string, string][]): Promise<void> => {
            await Promise.all(changes.map(([what, of]) => steps[what]!(made, of).catch(() => {})));
            await setImmediate();
          };
          await run(before);
          const present = async (): Promise<Sandbox[]> => byId(await made.controller.list(query));
          const first = await made.controller.page(query);
          const whole = new Mirror(made, query);
          const listed = new Mirror(made, { ...query, revision: first.revision });
          for (const sandbox of first.items) listed.known.set(sandbox.id, sandbox);
          await run(during);
          expect(whole.complete).toBe(true);
          for (const mirror of [whole, listed]) expect(byId(mirror.known.values())).toEqual(await present());
          await whole.leave();
          await run(away);
          const back = new Mirror(made, { ...query, revision: whole.revision });
          for (const [id, sandbox] of whole.known) back.known.set(id, sandbox);
          await setImmediate();
          for (const mirror of [back, listed]) expect(byId(mirror.known.values())).toEqual(await present());
          await Promise.all([back.leave(), listed.leave()]);
        },
      ),
    );
  });

  it('tells of a deletion from its beginning', async () => {
    const { create, controller, agent, ref } = world();
    const { id } = await create('box');
    const { revision } = await controller.page({});
    let gone = (): void => {};
    agent.onStop = () => new Promise<void>((resolve) => (gone = resolve));
    const deleted = controller.delete(ref('box'));
    const watch = controller.watch({ revision })[Symbol.asyncIterator]();
    expect((await watch.next()).value).toMatchObject({ sandbox: { id, state: { phase: 'Terminating' } } });
    gone();
    await deleted;
    expect((await watch.next()).value).toMatchObject({ removed: { id, name: 'box', namespace: 'default' } });
    await watch.return?.();
  });

  it('takes back what could not be written', async () => {
    const made = world();
    await made.create('box');
    const mirror = new Mirror(made, {});
    made.records.put = () => Promise.reject(new Error('disk full'));
    await failure(made.controller.update(made.ref('box'), { labels: { a: 'b' } }));
    await setImmediate();
    expect(byId(mirror.known.values())).toEqual(await made.controller.list({}));
    await mirror.leave();
  });

  it('refuses the revision of an earlier core, and what none has given', async () => {
    const earlier = world();
    await earlier.create('box');
    const { revision } = await earlier.controller.page({});
    const { controller } = world();
    const of = (bad: string) => failure(next(controller.watch({ revision: bad })));
    expect(await of(revision)).toMatchObject({
      code: 'outdated',
      message: expect.stringContaining('earlier core'),
      hint: expect.stringContaining('List again'),
    });
    const { revision: own } = await controller.page({});
    expect(await of(own.replace(/\d+$/, '99'))).toMatchObject({ code: 'outdated' });
    for (const bad of ['', '7', 'x.1', `${own}x`, `${own}.1`])
      expect(await of(bad)).toMatchObject({ code: 'invalid_argument' });
  });

  it('says that a revision is too old once changes since then are forgotten, also to one who reads slowly', async () => {
    const { create, controller, ref } = world();
    await create('box');
    const { revision } = await controller.page({});
    const slow = controller.watch({ revision })[Symbol.asyncIterator]();
    const first = slow.next();
    for (let i = 0; i < 10_010; i += 1) await controller.signal(ref('box'), 1);
    await first;
    const tooOld = { code: 'outdated', hint: expect.stringContaining('List again') };
    expect(await failure(slow.next())).toMatchObject(tooOld);
    expect(await failure(next(controller.watch({ revision })))).toMatchObject(tooOld);
  });
});
