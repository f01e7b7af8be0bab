import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { WarmImages } from '../../../../src/core/agent/pools/warm-images.ts';
import { FsbError } from '../../../../src/core/model/failure/errors.ts';
import { emptyImageConfig } from '../../../../src/core/model/image/image.ts';
import { machinePlatform } from '../../../../src/core/model/image/platform.ts';
import { createPoolWorld, settle, shapeOf } from '../../../helpers/pool/pool-world.ts';

/** A name that means what the test says, and a pool with the policy that keeps two of it warm. */
async function createWorld() {
  const world = createPoolWorld({
    warm: [{ image: 'host', count: 2 }],
    capacity: { min: 2, buffer_min: 1, buffer_max: 1 },
  });
  let current: string | undefined = 'before';
  let tell: ((digests: readonly string[]) => void) | undefined;
  const images = {
    async resolve(reference: string) {
      if (current === undefined) throw new FsbError('not_found', `image ${reference} is not here`);
      return {
        ...{ reference, digest: `sha256:${current}`, platform: machinePlatform() },
        ...{ config: emptyImageConfig, root: { overlays: [] } },
      };
    },
    onNamesChanged(listener: (digests: readonly string[]) => void) {
      tell = listener;
      return () => {
        tell = undefined;
      };
    },
  };
  const { pool } = world;
  const log = pino({ level: 'silent' });
  const warm = new WarmImages({ runtime: 'fake', pool, images, log });
  await warm.start();
  await settle();
  const change = async (to: string | undefined): Promise<void> => {
    const before = current;
    current = to;
    tell?.([`sha256:${before}`]);
    await settle();
  };
  const shape = (image: string) => shapeOf(image, { resources: pool.policy.resources });
  return { ...world, warm, change, shape };
}

describe('the warm images', () => {
  it('follow a name that means another image, and nothing of the old one stays idle', async () => {
    const { row, shape, change, claim } = await createWorld();
    await claim(shape('before'));
    await settle();
    expect(row(shape('before'))).toMatchObject({ idle: 3, claimed: 1 });
    await change('after');
    expect(row(shape('before'))).toMatchObject({ idle: 0, booting: 0, claimed: 1 });
    expect(row(shape('after'))).toMatchObject({ idle: 2, image: 'host' });
    expect((await claim(shape('after'))).hit).toBe(true);
  });

  it('stay as they are when the name means nothing now, and follow the next change', async () => {
    const { row, shape, change } = await createWorld();
    await change(undefined);
    expect(row(shape('before'))).toMatchObject({ idle: 2 });
    await change('after');
    expect(row(shape('after'))).toMatchObject({ idle: 2 });
  });

  it('follow no more once closed', async () => {
    const { row, shape, change, warm } = await createWorld();
    await warm.close();
    await change('after');
    expect(row(shape('before'))).toMatchObject({ idle: 2 });
  });
});
