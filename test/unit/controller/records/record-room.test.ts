import { describe, expect, it } from 'vitest';
import { controllerWorld, failure } from '../../../helpers/core/controller-world.ts';

const MIB = 1024 * 1024;
const long = (length: number): string => 'x'.repeat(length);

/** As many as a namespace may have, of which nothing runs any more. */
async function crowdedWorld() {
  const world = controllerWorld(undefined, undefined, 128 * MIB);
  const make = (namespace: string, name: string, length = MIB - 10) =>
    world.controller.create({ namespace, name, spec: { image: 'host', envs: { LONG: long(length) } } });
  for (let n = 0; n < 63; n++) await make('default', `box-${n}`);
  return { ...world, make };
}

describe('the specs of all sandboxes together', () => {
  it('are bounded for a namespace, and what is deleted makes room', async () => {
    const { make, controller, ref } = await crowdedWorld();
    expect(await failure(make('default', 'more'))).toMatchObject({
      code: 'no_capacity',
      message: expect.stringMatching(
        /^namespace default has 63 sandboxes, .* take \S+MiB of the core's memory: /,
      ),
      hint: expect.stringContaining('fsb-ctl system prune'),
    });
    await controller.delete(ref('box-7'), { grace: 0 });
    await make('default', 'more');
  });

  it('leave room for other namespaces, a half of what is left for each', async () => {
    const { make } = await crowdedWorld();
    for (let n = 0; n < 32; n++) await make('other', `box-${n}`);
    expect(await failure(make('other', 'more'))).toMatchObject({ code: 'no_capacity' });
    await make('third', 'box');
  });

  it('do not grow by labels either, but may shrink', async () => {
    const { make, controller, ref } = await crowdedWorld();
    const labels = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`l${n}`, long(1000)]));
    await make('default', 'small', 900_000);
    expect(await failure(controller.update(ref('small'), { labels }))).toMatchObject({ code: 'no_capacity' });
    await controller.update(ref('box-0'), { labels: { l0: null } });
  });
});
