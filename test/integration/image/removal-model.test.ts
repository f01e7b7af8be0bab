import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { familiarName } from '../../../src/core/model/image/reference.ts';
import { ContentFixture, digestOf } from '../../helpers/image/content-fixture.ts';
import { ModelImages } from '../../helpers/image/image-model.ts';

const IMAGES = [0, 1, 2];
const TAGS = ['docker.io/library/a:1', 'docker.io/library/a:2', 'docker.io/library/b:1'];
const DIGESTS = ['a', 'b'].map((name) => `docker.io/library/${name}@${digestOf('index')}`);

const image = fc.constantFrom(...IMAGES);
const name = fc.constantFrom(...TAGS, ...DIGESTS);
const force = fc.boolean();
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      image,
      names: fc.subarray([...TAGS, ...DIGESTS]),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove name' as const), name, force }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove image' as const), image, force }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('hold' as const), image }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), image }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prune' as const), all: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The real store on a real disk, whose images the model calls 0, 1 and 2. */
class Real {
  readonly fixture = new ContentFixture();
  readonly digests: string[] = [];
  readonly #releases = new Map<number, (() => void)[]>();

  async open(): Promise<void> {
    await this.fixture.setUp();
    // Once, for their digests.
    for (const number of IMAGES) {
      const { digest } = await this.fixture.put({ layers: ['shared', `own ${number}`] });
      this.digests.push(digest);
    }
    await this.fixture.store.prune({ all: true });
    await this.fixture.store.sweep();
  }

  /** @returns what went wrong */
  async do(one: Step): Promise<string | undefined> {
    try {
      await this.#do(one);
      return undefined;
    } catch (error) {
      return (error as { code: string }).code;
    }
  }

  async state(): Promise<unknown> {
    const images = await this.fixture.images();
    return images
      .map(({ digest, references, repoDigests }) => ({
        image: this.digests.indexOf(digest),
        names: [...references, ...repoDigests].sort(),
      }))
      .sort((a, b) => a.image - b.image);
  }

  async #do(one: Step): Promise<void> {
    const { fixture } = this;
    const { store } = fixture;
    if (one.kind === 'add') {
      const references = one.names.filter((text) => TAGS.includes(text));
      const repoDigests = one.names.filter((text) => DIGESTS.includes(text));
      await fixture.put({ references, repoDigests, layers: ['shared', `own ${one.image}`] });
    } else if (one.kind === 'remove name') await store.remove(familiarName(one.name), one);
    else if (one.kind === 'remove image') await store.remove(this.digests[one.image]!, one);
    else if (one.kind === 'prune') await store.prune({ all: one.all });
    else if (one.kind === 'restart') await this.#restart();
    else if (one.kind === 'hold') this.#hold(one.image);
    else this.#releases.get(one.image)?.pop()?.();
  }

  #hold(number: number): void {
    const release = this.fixture.store.hold(this.digests[number]!);
    this.#releases.set(number, [...(this.#releases.get(number) ?? []), release]);
  }

  async #restart(): Promise<void> {
    await this.fixture.reopen();
    const held = [...this.#releases].flatMap(([number, releases]) => releases.map(() => number));
    this.#releases.clear();
    for (const number of held) this.#hold(number);
    await this.fixture.store.sweep();
  }
}

describe('names of images', () => {
  it('do what a simple model does, and what is on the disk follows them', { timeout: 180_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const real = new Real();
        await real.open();
        const model = new ModelImages();
        try {
          for (const one of steps) {
            // The store never sees a hold of an image that is not there.
            if (one.kind === 'hold' && !model.has(one.image)) continue;
            expect([one, await real.do(one)]).toEqual([one, model.do(one)]);
            await expect.poll(() => real.state(), { interval: 1 }).toEqual(model.state());
            for (const text of [...TAGS, ...DIGESTS]) {
              const found = await real.fixture.store.resolve(familiarName(text)).catch(() => undefined);
              expect(found ? real.digests.indexOf(found.digest) : undefined).toBe(model.named(text));
            }
          }
          await real.fixture.store.prune({ all: false });
          model.do({ kind: 'prune', all: false });
          const layers = model.count === 0 ? 0 : model.count + 1;
          await expect.poll(async () => (await real.fixture.files('layers')).length).toBe(layers);
        } finally {
          await real.fixture.tearDown();
        }
      }),
      { numRuns: 40 },
    );
  });
});
