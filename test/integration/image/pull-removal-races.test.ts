import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { FsbError } from '../../../src/core/model/failure/errors.ts';
import { buildGuest } from '../../helpers/guest/guest-programs.ts';
import { addImage, tarOf } from '../../helpers/image/image-files.ts';
import { inChunks } from '../../helpers/image/memory-registry.ts';
import { PullFixture } from '../../helpers/image/pull-fixture.ts';

/** Pulls, removals and holders of the same images at the same time, on a slow disk. */

/** Turns of the event loop that a removal of files, and what makes them appear, takes before it begins. */
const disk = vi.hoisted(() => ({ turns: 0 }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  const slowly =
    <Words extends unknown[]>(work: (...words: Words) => Promise<void>) =>
    async (...words: Words): Promise<void> => {
      for (let turn = 0; turn < disk.turns; turn++) await new Promise(setImmediate);
      return work(...words);
    };
  const slow = { rm: slowly(real.rm), rename: slowly(real.rename) };
  return { ...real, default: { ...real, ...slow }, ...slow };
});

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

const IMAGES = [0, 1, 2];
const image = fc.constantFrom(...IMAGES);
const after = fc.nat({ max: 60 });
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pull' as const), image, after, slow: fc.nat(5) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('remove' as const), image, after, force: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('hold' as const), image, after, turns: fc.nat(60) }),
  },
  // While the list of images is written, and while the layers that both have are here and of no image.
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('seize' as const), image, after, turns: fc.nat(25) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('overlap' as const), image, after, turns: fc.nat(60) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prune' as const), after, all: fc.boolean() }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** Three images on one layer; each also has one of its own. */
class Races extends PullFixture {
  readonly digests: string[] = [];

  override async setUp(): Promise<void> {
    await super.setUp();
    await this.store.sweep();
    const shared = await tarOf([{ name: 'base', content: 'shared '.repeat(2000) }]);
    for (const number of IMAGES) {
      const layers = [shared, await tarOf([{ name: 'file', content: `image ${number}` }])];
      const added = addImage(this.files, { layers, compress: (plain) => plain });
      this.registries.tag(String(number), added);
      this.digests.push(added.digest);
    }
  }

  async do(one: Action): Promise<void> {
    await turns(one.after);
    if (one.kind === 'pull') await this.#pull(one.image, one.slow);
    else if (one.kind === 'prune') await this.store.prune({ all: one.all });
    else if (one.kind === 'remove') await this.#remove(one.image, one.force);
    else if (one.kind === 'seize') await this.#seize(one.image, one.turns);
    else if (one.kind === 'overlap') await this.#overlap(one.image, one.turns);
    else await this.#hold(one.image, one.turns);
  }

  async #remove(number: number, force: boolean): Promise<void> {
    await this.store.remove(`tool:${number}`, { force }).catch(only('image_not_found', 'conflict'));
  }

  /** Takes hold of an image that is just being removed. */
  async #seize(number: number, count: number): Promise<void> {
    await this.#pull(number, 0);
    await Promise.all([this.#remove(number, false), turns(count).then(() => this.#hold(number, 20))]);
  }

  /** Removes an image while another one comes on the layer that it has. */
  async #overlap(number: number, count: number): Promise<void> {
    await this.#pull(number, 0);
    const other = (number + 1) % IMAGES.length;
    await this.#remove(other, true);
    await Promise.all([this.#pull(other, 3), turns(count).then(() => this.#remove(number, true))]);
  }

  async #pull(number: number, slow: number): Promise<void> {
    this.registries.script = async function* (bytes) {
      for await (const chunk of inChunks(bytes)) {
        await turns(slow);
        yield chunk;
      }
    };
    await this.pull(`tool:${number}`);
    // It may be gone again; then nobody can hold it.
    await this.#hold(number, 0);
  }

  /** A holder that looks at all of the image, for as long as it has it. */
  async #hold(number: number, count: number): Promise<void> {
    let release: () => void;
    try {
      release = this.store.hold(this.digests[number]!);
    } catch (error) {
      return only('image_not_found')(error);
    }
    try {
      await this.#assertWhole(number);
      await turns(count);
      await this.#assertWhole(number);
    } finally {
      release();
    }
  }

  async #assertWhole(number: number): Promise<void> {
    const digest = this.digests[number]!;
    expect(await this.contentOf(digest)).toBe(`image ${number}`);
    const { root } = await this.store.resolve(digest);
    await access(join(root.overlays[0]!.lower[1]!, 'base'));
    // Reads every blob.
    expect((await buffer(this.store.save([digest]))).length).toBeGreaterThan(14_000);
  }
}

function only(...codes: string[]): (error: unknown) => void {
  return (error) => {
    if (!codes.includes(FsbError.from(error).code)) throw error;
  };
}

describe('pulls, removals and holders at the same time', () => {
  beforeAll(buildGuest);
  it('take no image from who has it, and leave nothing', { timeout: 240_000 }, async () => {
    const actions = fc.array(action, { minLength: 4, maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(actions, fc.nat(25), async (all, slowness) => {
        const races = new Races();
        await races.setUp();
        disk.turns = slowness;
        try {
          const failed = (await Promise.allSettled(all.map((one) => races.do(one)))).filter(
            (end) => end.status === 'rejected',
          );
          expect(failed.map(({ reason }) => reason)).toEqual([]);
          for (const number of IMAGES) await races.do({ kind: 'hold', image: number, after: 0, turns: 0 });
          await expect.poll(() => races.leftovers()).toEqual([]);
          await races.store.prune({ all: true });
          expect((await races.store.list()).map(({ references }) => references)).toEqual([['host']]);
          expect(await races.leftovers()).toEqual([]);
        } finally {
          disk.turns = 0;
          await races.tearDown();
        }
      }),
      // A race that was lost is another one the next time: there is nothing to shrink.
      { numRuns: Number(process.env.FSB_TEST_RUNS ?? 12), endOnFailure: true },
    );
  });
});
